using System.Diagnostics;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Jobs;
using TrainMover.Cli.Story;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Telemetry;
using TrainMover.Domain.Jobs;
using TrainMover.Domain.Migrations;
using TrainMover.Embedded;

namespace TrainMover.Cli.Demo;

/// <summary>Which machines a run interrupts, by their place among the machines of the job at that moment.</summary>
/// <param name="Maintained">Place of the machine that gets a maintenance notice.</param>
/// <param name="Lost">Place of the machine whose worker is killed.</param>
/// <param name="StepsLimit">Longest time for the steps before, between and after them.</param>
/// <param name="MaintainedAt">Share of the steps after which the notice is given.</param>
/// <param name="LostAt">Share of the steps after which the worker is killed.</param>
internal sealed record Interruptions(int Maintained, int Lost, TimeSpan StepsLimit, double MaintainedAt = 1.0 / 3, double LostAt = 2.0 / 3)
{
    public static Interruptions Usual { get; } = new(1, 2, TimeSpan.FromSeconds(150));
}

/// <summary>
/// One job on a deployment of its own, with an expected interruption after a third of its steps and an unexpected one after two thirds:
/// what the demo shows and the restart benchmark measures.
/// </summary>
internal sealed class TrainingRun : IAsyncDisposable
{
    private const string MaintenanceReason = "firmware update";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan MigrationLimit = TimeSpan.FromSeconds(180);
    private static readonly TimeSpan PublishLimit = TimeSpan.FromSeconds(10);

    private readonly Deployment _deployment;
    private readonly OpenLog _log;
    private readonly Bus _bus;
    private readonly Dictionary<string, long> _faults = new(StringComparer.Ordinal);
    private readonly Interruptions _interruptions;

    private TrainingRun(Access access, Deployment deployment, OpenLog log, Bus bus, RunWatch watch, JobSpec job, Interruptions interruptions)
    {
        (Access, _deployment, _log, _bus, Watch, Job, _interruptions) = (access, deployment, log, bus, watch, job, interruptions);
    }

    public Access Access { get; }

    public RunWatch Watch { get; }

    public JobSpec Job { get; }

    public IReadOnlyList<MachineSetup> Machines => _deployment.Environment.Machines;

    public static async Task<TrainingRun> StartAsync(Access access, string verb, JobFile job, string? data, IProgress<string> progress, CancellationToken ct, Interruptions? interruptions = null)
    {
        var options = new DeploymentOptions
        {
            Root = access.Root,
            Directory = access.Directory,
            Configuration = Repository.Configuration,
            Schema = Schemas.Fresh(verb, TimeProvider.System),
            TopicPrefix = Access.Variable(Access.KafkaVariable) is null ? "trainmover." : $"{Schemas.Fresh(verb, TimeProvider.System)}.",
            Kafka = Access.Variable(Access.KafkaVariable),
            Postgres = Access.Variable(Access.PostgresVariable),
            Machines = MachineSetup.Fleet(job.Machines, 1, 1),
        };
        var deployment = await Deployment.StartAsync(options, progress, ct);
        OpenLog? log = null;
        try
        {
            var deployed = access.With(deployment.Environment);
            log = await OpenLog.OpenAsync(deployed, ct);
            progress.Report("submitting the job");
            var spec = JobSubmission.Specify(deployed, job);
            await JobSubmission.SubmitAsync(log, deployed, spec, data ?? job.Data, ct);
            var bus = Bus.Open(deployed);
            return new TrainingRun(deployed, deployment, log, bus, new RunWatch(log, bus, spec.JobId), spec, interruptions ?? Interruptions.Usual);
        }
        catch
        {
            if (log is not null) await log.DisposeAsync();
            await deployment.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sees the job through to its end, interruptions included.</summary>
    public async Task<RunRecord> RunAsync(IProgress<string> progress, CancellationToken ct)
    {
        await Watch.UntilAsync(() => Watch.Steps.Completed > 0, StartLimit, "The first step", ct);
        await Watch.UntilAsync(() => State().Standbys.Values.Any(trust => trust == StandbyTrust.Ready), StartLimit, "The standby's warm-up", ct);

        await Watch.UntilAsync(() => Watch.Steps.Completed >= Job.Steps * _interruptions.MaintainedAt, _interruptions.StepsLimit, "The step of the notice", ct);
        var maintained = Member(_interruptions.Maintained);
        progress.Report($"maintenance notice for {maintained} (expected interruption)");
        var stamp = Stopwatch.GetTimestamp();
        await _bus.PublishTelemetryAsync(maintained, new MaintenanceScheduled(maintained, MaintenanceReason, MonotonicNs: stamp), ct);
        await UntilMigratedAsync(1, ct);

        await Watch.UntilAsync(() => Watch.Steps.Completed >= Job.Steps * _interruptions.LostAt, _interruptions.StepsLimit, "The step of the loss", ct);
        var lost = Member(_interruptions.Lost);
        var worker = _deployment.Worker(lost) ?? throw new DeploymentException($"{lost} has no worker process: see {_deployment.Process($"agent-{lost}").LogFile}.");
        progress.Report($"SIGKILL for the worker of {lost} (unexpected interruption)");
        var fault = Stopwatch.GetTimestamp();
        worker.Kill();
        await UntilMigratedAsync(2, ct);
        NoteFault(lost, fault);

        await Watch.UntilAsync(() => State().Status == JobStatus.Completed, _interruptions.StepsLimit, "The end of the job", ct);
        await Watch.UntilAsync(() => Watch.Steps.Completed >= Job.Steps, PublishLimit, "The telemetry of the last step", ct);
        return await RecordAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await Watch.DisposeAsync();
        await _bus.DisposeAsync();
        await _log.DisposeAsync();
        await _deployment.DisposeAsync();
    }

    public Job State() => Watch.Look(world => world.Job(Job.JobId));

    public IReadOnlyList<MigrationStory> Stories(IReadOnlyList<EventLog.LoggedEvent> events) =>
    [
        .. events.Where(logged => logged.Stream.StartsWith("migration-", StringComparison.Ordinal)).GroupBy(logged => logged.Stream)
            .Select(stream => MigrationStory.Of([.. stream], events, _faults.TryGetValue(stream.Key, out var fault) ? fault : null)).OfType<MigrationStory>(),
    ];

    private string Member(int place) => State().Topology!.Machines[place % Job.Machines];

    private async Task UntilMigratedAsync(int count, CancellationToken ct)
    {
        bool Ended() => Watch.Look(world => world.Migrations.Count(migration => migration.Ended)) >= count && State().OpenMigration is null;

        await Watch.UntilAsync(Ended, MigrationLimit, count == 1 ? "The expected migration" : "The unexpected migration", ct);
        if (Watch.Look(world => world.Migrations.FirstOrDefault(migration => migration.Phase == MigrationPhase.Aborted)) is { } aborted)
            throw new DeploymentException($"Migration {aborted.Plan!.MigrationId} was aborted ({aborted.AbortReason?.TrimEnd('.')}): ./trainmover replay {aborted.Plan.MigrationId} tells the story.");
    }

    // The injector's stamp is earlier than whatever a detector could know: the pause counts from here.
    private void NoteFault(string machine, long stamp)
    {
        if (Watch.Look(world => world.Migrations.LastOrDefault(migration => migration.Leavers.Contains(machine))) is { } migration)
            _faults[Migration.Stream(migration.Plan!.MigrationId)] = stamp;
    }

    private async Task<RunRecord> RecordAsync(CancellationToken ct)
    {
        var events = await _log.AllAsync(ct);
        var unpublished = await Watch.UnpublishedAsync(events, PublishLimit, ct);
        var integrity = await _log.Verifier.VerifyAsync(ct);
        return new RunRecord(Job, Watch.Steps.Steps(), events, Stories(events), integrity, unpublished);
    }
}
