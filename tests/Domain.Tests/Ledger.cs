using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Domain.Planning;

namespace TrainMover.Domain.Tests;

/// <summary>A log in memory: applies decisions to a world and remembers every event.</summary>
internal sealed class Ledger
{
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly byte[] Key = new byte[32];

    public World World { get; } = new();

    public List<object> Events { get; } = [];

    public Planner Planner { get; init; } = new(new PlanningOptions());

    public DateTimeOffset Now { get; set; } = Start;

    /// <summary>Appends what was decided; gives back just these events.</summary>
    public IReadOnlyList<object> Append(Decision decision)
    {
        var appended = new List<object>();
        foreach (var stream in decision.Streams)
        {
            World.VersionOf(stream.Stream).ShouldBe(stream.ExpectedVersion);
            var version = stream.ExpectedVersion;
            foreach (var @event in stream.Events) World.Apply(stream.Stream, ++version, @event).ShouldBeTrue();
            appended.AddRange(stream.Events);
        }

        Events.AddRange(appended);
        return appended;
    }

    public IReadOnlyList<object> Plan() => Append(Planner.OnChange(World, Now, Key));

    public IReadOnlyList<object> Execute() => Append(Migrations.Executor.OnChange(World, Now));

    public IReadOnlyList<object> Report(MachineReport report) => Append(Migrations.Executor.OnReport(World, report));

    /// <summary>A member's word on a switch, as the Planner hears it.</summary>
    public IReadOnlyList<object> Switch(MachineReport report) => Append(Planner.OnSwitch(World, report, Now, Key));

    public IReadOnlyList<object> Announce(string machine, MachineRole role, int port, WorkerPhase phase = WorkerPhase.Idle) => Append(Planner.OnAnnounced(
        World, new Announced(role, new WorkerStatus(phase, 100 + port, "127.0.0.1", port)) { MachineId = machine, Generation = 0 }, Now, Key));

    /// <summary>The word that a worker is gone, as the Planner and then the Executor hear it.</summary>
    public IReadOnlyList<object> LoseWorker(string machine, int port)
    {
        var lost = WorkerLost(machine, port);
        return [.. Append(Planner.OnWorkerLost(World, lost, Now, Key)), .. Report(lost)];
    }

    public IReadOnlyList<object> Raise(string id, InterruptionKind kind, params string[] machines) => Raise(id, kind, InterruptionCause.Manual, machines);

    public IReadOnlyList<object> Raise(string id, InterruptionKind kind, InterruptionCause cause, params string[] machines)
    {
        var raised = new InterruptionRaised(id, kind, cause, Severity.Replace, machines, $"Because of {id}.", "test-1", []);
        return Append(new Decision(World).OnInterruption(id, state => state.Raise(raised)));
    }

    public static JobSpec Spec(string job = "gpt", int dp = 3) =>
        new(job, new JobLayout(dp), 100, 1, 4, 3e-4f, new JobModel(), "/data/text", "/jobs/gpt", Techniques: new JobTechniques(ArmedStandby: false));

    /// <summary>Three training machines m0 to m2, standby s0 (proven), elastic e0, and a running job, whose standby is armed or not.</summary>
    public static Ledger WithRunningJob(PlanningOptions? options = null, bool armed = false, JobTechniques? techniques = null)
    {
        var ledger = new Ledger { Planner = new Planner(options ?? new PlanningOptions()) };
        for (var machine = 0; machine < 3; machine++) ledger.Announce($"m{machine}", MachineRole.Training, 1000 + machine);
        ledger.Announce("s0", MachineRole.Standby, 2000);
        ledger.Announce("e0", MachineRole.Elastic, 3000);
        ledger.Append(new Decision(ledger.World).OnJob("gpt", job => job.Submit(Spec() with { Techniques = techniques ?? new JobTechniques(ArmedStandby: armed) })));
        ledger.Plan();
        ledger.Append(ledger.Planner.OnWarmedUp(
            ledger.World, new WarmedUp(Good) { MachineId = "s0", Generation = 1, JobId = "gpt" }, ledger.Now, Key));
        return ledger;
    }

    public static WorkerLost WorkerLost(string machine, int port) => new(100 + port, port, "The worker was killed by signal 9.") { MachineId = machine, Generation = 0 };

    public static ShadowOutcome Good { get; } = new(true, null, 100, 4096, 0);

    public static Prepared Prepared(string machine, int generation = 2, string digest = "d", ShadowOutcome? shadow = null) =>
        new(digest, 5, 0, shadow) { MachineId = machine, Generation = generation, JobId = "gpt", MigrationId = $"gpt-g{generation}" };

    public static Agreed Agreed(string machine, long boundary = 10, int generation = 2) =>
        new(boundary) { MachineId = machine, Generation = generation, JobId = "gpt", MigrationId = $"gpt-g{generation}" };

    public static Aborted Aborted(string machine, int generation = 2) =>
        new() { MachineId = machine, Generation = generation, JobId = "gpt", MigrationId = $"gpt-g{generation}" };

    public static Switched Switched(string machine, int rank, int generation = 2, long stopped = 1_000_000, long resumed = 3_000_000) => new(new SwitchReport(
        machine, [rank], stopped, resumed, 10, 0, new ConnectionDelta(0, 0, 1, 1), new ConnectionDelta(0, 0, 1, 1), 0, 0, []))
    {
        MachineId = machine,
        Generation = generation,
        JobId = "gpt",
        MigrationId = $"gpt-g{generation}",
    };
}
