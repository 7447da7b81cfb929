using TrainMover.Contracts.Interruptions;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Jobs;
using TrainMover.Embedded;
using TrainMover.EventLog;

namespace TrainMover.Cli.Demo;

/// <summary>What can be done to the processes of a run.</summary>
internal sealed partial class TrainingRun
{
    /// <summary>Interruptions that the log holds, in its order.</summary>
    public IEnumerable<(LoggedEvent Logged, InterruptionRaised Raised)> Raised() =>
        Watch.Events.Where(logged => logged.Data is InterruptionRaised).Select(logged => (logged, (InterruptionRaised)logged.Data));

    public ProcessIdentity WorkerOf(string machine) =>
        _deployment.Worker(machine) ?? throw new DeploymentException($"{machine} has no worker process: see {_deployment.Process(AgentOf(machine)).LogFile}.");

    public ProcessIdentity AgentProcessOf(string machine) => _deployment.Process(AgentOf(machine)).Identity;

    public Task StartAgentAsync(string machine, CancellationToken ct) => _deployment.StartProcessAsync(AgentOf(machine), ct: ct);

    /// <summary>Lets every operation of a machine's worker waste a share of processor time in addition; null ends it.</summary>
    public void Slow(string machine, double? share) => FaultyWorker.Set(_deployment.Environment.RunDirectory, machine, share);

    /// <summary>Returns when the job is on a newer generation and no plan holds it.</summary>
    public Task UntilReplacedAsync(int generation, CancellationToken ct) =>
        Watch.UntilAsync(() => State() is { OpenMigration: null, Topology: { } topology } && topology.Generation > generation, MigrationLimit, $"A generation after {generation}", ct);

    /// <summary>Returns when no plan holds the job and a machine is free for the next one.</summary>
    public Task UntilAtRestAsync(CancellationToken ct) => Watch.UntilAsync(
        () => State().OpenMigration is null && Watch.Look(world => world.Machines.All(machine => machine.Status is MachineStatus.Available or MachineStatus.Assigned) && world.Machines.Any(machine => machine.Status == MachineStatus.Available)),
        MigrationLimit, "A free machine", ct);

    /// <summary>Returns when no worker is being started or rehearses: what spare machines do takes cores from training here.</summary>
    public Task UntilWorkersStandAsync(CancellationToken ct) => Watch.UntilAsync(
        () => Machines.All(machine => File.Exists(Path.Combine(_deployment.Environment.RunDirectory, $"worker-{machine.Id}.sock"))), StartLimit, "A worker of every machine", ct);

    /// <summary>Returns when the next standby is as far as the job's techniques bring one: warm, armed, and a replica.</summary>
    public Task UntilStandingByAsync(CancellationToken ct) => Watch.UntilAsync(
        () => State() is var job && HasWarmStandby(job) && (Job.Techniques is { ArmedStandby: false } || job.IsArmed)
            && (Job.Techniques is { ArmedStandby: false } or { HotStandby: false } || job.Followed is not null),
        StartLimit, "A standby", ct);

    // Without the sandbox there is nothing to warm up.
    private bool HasWarmStandby(Job job) => Job.Techniques is { Sandbox: false } || job.Standbys.Values.Any(trust => trust == StandbyTrust.Ready);

    private static string AgentOf(string machine) => $"agent-{machine}";
}
