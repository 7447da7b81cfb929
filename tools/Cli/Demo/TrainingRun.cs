using System.Diagnostics;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Jobs;
using TrainMover.Cli.Story;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Telemetry;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Jobs;
using TrainMover.Domain.Migrations;
using TrainMover.Embedded;

namespace TrainMover.Cli.Demo;

/// <summary>Which machines a run interrupts, by their place among the machines of the job at that moment.</summary>
/// <param name="Maintained">Places of the machines that get a maintenance notice, for one reason.</param>
/// <param name="Lost">Place of the machine whose worker is killed.</param>
/// <param name="MaintainedAt">Share of the steps after which the notice is given.</param>
/// <param name="LostAt">Share of the steps after which the worker is killed.</param>
internal sealed record Interruptions(IReadOnlyList<int> Maintained, int Lost, double MaintainedAt, double LostAt)
{
    public static Interruptions Usual { get; } = new([1], 2, 1.0 / 3, 2.0 / 3);
}

/// <summary>What a run needs besides its job.</summary>
internal sealed record RunSetup
{
    /// <summary>Lets machines that left on notice take a place again at once.</summary>
    public static IReadOnlyDictionary<string, string> NoQuarantine { get; } = new Dictionary<string, string> { ["Planning__MaintenanceQuarantine"] = "00:00:00" };

    public int Standbys { get; init; } = 1;

    public int Elastic { get; init; } = 1;

    /// <summary>Longest time for the steps before, between and after interruptions.</summary>
    public TimeSpan StepsLimit { get; init; } = TimeSpan.FromSeconds(150);

    /// <summary>The same for machines that failed, and faults can be injected.</summary>
    public static IReadOnlyDictionary<string, string> Injection { get; } =
        new Dictionary<string, string>(NoQuarantine) { ["Planning__FailureQuarantine"] = "00:00:00", ["TRAINMOVER_INJECTION"] = "1" };

    /// <summary>Further environment variables for every process.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}

/// <summary>One job on a deployment of its own, whose machines are interrupted: what the demo shows and the benchmarks measure.</summary>
internal sealed partial class TrainingRun : IAsyncDisposable
{
    private const string MaintenanceReason = "firmware update";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan MigrationLimit = TimeSpan.FromSeconds(180);
    private static readonly TimeSpan PublishLimit = TimeSpan.FromSeconds(10);

    private readonly Deployment _deployment;
    private readonly OpenLog _log;
    private readonly Bus _bus;
    private readonly Dictionary<string, long> _faults = new(StringComparer.Ordinal);
    private readonly TimeSpan _stepsLimit;
    private int _ended;

    private TrainingRun(Access access, Deployment deployment, OpenLog log, Bus bus, RunWatch watch, JobSpec job, TimeSpan stepsLimit)
    {
        (Access, _deployment, _log, _bus, Watch, Job, _stepsLimit) = (access, deployment, log, bus, watch, job, stepsLimit);
    }

    public Access Access { get; }

    public RunWatch Watch { get; }

    public JobSpec Job { get; }

    public IReadOnlyList<MachineSetup> Machines => _deployment.Environment.Machines;

    public static async Task<TrainingRun> StartAsync(Access access, string verb, JobFile job, string? data, IProgress<string> progress, CancellationToken ct, RunSetup? setup = null)
    {
        setup ??= new RunSetup();
        var options = new DeploymentOptions
        {
            Root = access.Root,
            Directory = access.Directory,
            Configuration = Repository.Configuration,
            Schema = Schemas.Fresh(verb, TimeProvider.System),
            TopicPrefix = Access.Variable(Access.KafkaVariable) is null ? "trainmover." : $"{Schemas.Fresh(verb, TimeProvider.System)}.",
            Kafka = Access.Variable(Access.KafkaVariable),
            Postgres = Access.Variable(Access.PostgresVariable),
            Machines = MachineSetup.Fleet(job.Machines, setup.Standbys, setup.Elastic),
            Environment = setup.Environment,
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
            return new TrainingRun(deployed, deployment, log, bus, new RunWatch(log, bus, spec.JobId), spec, setup.StepsLimit);
        }
        catch
        {
            if (log is not null) await log.DisposeAsync();
            await deployment.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sees the job through to its end, with an expected and an unexpected interruption.</summary>
    public async Task<RunRecord> RunAsync(IProgress<string> progress, CancellationToken ct, Interruptions? interruptions = null)
    {
        interruptions ??= Interruptions.Usual;
        await UntilWarmAsync(ct);
        await UntilStepAsync((long)Math.Ceiling(Job.Steps * interruptions.MaintainedAt), ct);
        await MaintainAsync([.. interruptions.Maintained.Select(Member)], progress, ct);
        await UntilStepAsync((long)Math.Ceiling(Job.Steps * interruptions.LostAt), ct);
        await LoseAsync(Member(interruptions.Lost), progress, ct);
        return await FinishAsync(ct);
    }

    /// <summary>Returns when the job trains and its standby, if it gets one, is warm.</summary>
    public async Task UntilWarmAsync(CancellationToken ct)
    {
        await Watch.UntilAsync(() => Watch.Steps.Completed > 0, StartLimit, "The first step", ct);
        await Watch.UntilAsync(() => HasWarmStandby(State()), StartLimit, "The standby's warm-up", ct);
    }

    /// <summary>Returns when as many steps are completed.</summary>
    public Task UntilStepAsync(long completed, CancellationToken ct) => Watch.UntilAsync(() => Watch.Steps.Completed >= completed, _stepsLimit, $"Step {completed}", ct);

    /// <summary>Interrupts machines on notice, all for one reason, and returns when they are replaced.</summary>
    public async Task<MigrationStory> MaintainAsync(IReadOnlyList<string> machines, IProgress<string> progress, CancellationToken ct)
    {
        progress.Report($"maintenance notice for {string.Join(", ", machines)} (expected interruption)");
        var stamp = Stopwatch.GetTimestamp();
        if (machines is [var machine])
        {
            await _bus.PublishTelemetryAsync(machine, new MaintenanceScheduled(machine, MaintenanceReason, MonotonicNs: stamp), ct);
        }
        else
        {
            var raised = new InterruptionRaised(
                $"maintenance-{stamp}", InterruptionKind.Expected, InterruptionCause.Maintenance, Severity.Replace, [.. machines.Order(StringComparer.Ordinal)],
                $"Maintenance of {machines.Count} machines is announced: {MaintenanceReason}.", "calendar", [], stamp);
            await _bus.PublishInterruptionAsync(raised, ct);
        }

        return await UntilMigratedAsync("The expected migration", ct);
    }

    /// <summary>Kills a machine's worker and returns when it is replaced.</summary>
    public async Task<MigrationStory> LoseAsync(string machine, IProgress<string> progress, CancellationToken ct)
    {
        var worker = _deployment.Worker(machine) ?? throw new DeploymentException($"{machine} has no worker process: see {_deployment.Process($"agent-{machine}").LogFile}.");
        progress.Report($"SIGKILL for the worker of {machine} (unexpected interruption)");
        var fault = Stopwatch.GetTimestamp();
        worker.Kill();
        // The injector's stamp is earlier than whatever a detector could know: the pause counts from here.
        return await UntilMigratedAsync("The unexpected migration", ct, () => fault);
    }

    /// <summary>Has a machine's worker kill itself right after a step, and returns when it is replaced. Workers must follow injected faults.</summary>
    public async Task<MigrationStory> LoseAfterStepAsync(string machine, IProgress<string> progress, CancellationToken ct)
    {
        progress.Report($"SIGKILL for the worker of {machine}, right after its next step (unexpected interruption)");
        var runDirectory = _deployment.Environment.RunDirectory;
        FaultyWorker.KillAfterStep(runDirectory, machine);
        return await UntilMigratedAsync("The unexpected migration", ct, () => FaultyWorker.KilledAt(runDirectory, machine));
    }

    /// <summary>Sees the job through to its end.</summary>
    public async Task<RunRecord> FinishAsync(CancellationToken ct)
    {
        await Watch.UntilAsync(() => State().Status == JobStatus.Completed, _stepsLimit, "The end of the job", ct);
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

    public string Member(int place) => State().Topology!.Machines[place % Job.Machines];

    /// <summary>Machines that can take a place in the job.</summary>
    public int Spares() => Watch.Look(world => world.Machines.Count(machine => machine.Status == MachineStatus.Available));

    private async Task<MigrationStory> UntilMigratedAsync(string what, CancellationToken ct, Func<long?>? fault = null)
    {
        var ended = ++_ended;
        await Watch.UntilAsync(() => Watch.Look(world => world.Migrations.Count(migration => migration.Ended)) >= ended && State().OpenMigration is null, MigrationLimit, what, ct);
        if (Watch.Look(world => world.Migrations.FirstOrDefault(migration => migration.Phase == MigrationPhase.Aborted)) is { } aborted)
            throw new DeploymentException($"Migration {aborted.Plan!.MigrationId} was aborted ({aborted.AbortReason?.TrimEnd('.')}): ./trainmover replay {aborted.Plan.MigrationId} tells the story.");
        var last = Watch.Look(world => world.Migrations.MaxBy(migration => migration.Plan!.To.Generation))!;
        if (fault?.Invoke() is { } stamp) _faults[Migration.Stream(last.Plan!.MigrationId)] = stamp;
        return Stories(Watch.Events).Single(story => story.Plan.MigrationId == last.Plan!.MigrationId);
    }

    private async Task<RunRecord> RecordAsync(CancellationToken ct)
    {
        var events = await _log.AllAsync(ct);
        var unpublished = await Watch.UnpublishedAsync(events, PublishLimit, ct);
        var integrity = await _log.Verifier.VerifyAsync(ct);
        return new RunRecord(Job, Watch.Steps.Steps(), events, Stories(events), integrity, unpublished);
    }
}
