using TrainMover.Contracts.Commands;
using TrainMover.Contracts.DeadLetters;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Contracts.Schema;

/// <summary>A message with its optional fields present.</summary>
/// <param name="Variant">Value of the discriminator, for messages that carry one of several shapes.</param>
/// <param name="Body">The message.</param>
public sealed record Example(string? Variant, object Body);

/// <summary>
/// One coherent story told in examples: job <c>gpt</c> on m0 to m2, m1 is due for maintenance, standby s0 takes its rank. The reference shows them, and
/// tests hold the wire format to them.
/// </summary>
public static partial class Examples
{
    private const string Job = "gpt";
    private const string Migration = "gpt-g2";
    private const string Interruption = "maintenance-m1";
    private const string PlanDigest = "5b1f0a9e3c77d2485b1f0a9e3c77d2485b1f0a9e3c77d2485b1f0a9e3c77d248";
    private const string StateDigest = "c04d8ef2197ab36dc04d8ef2197ab36dc04d8ef2197ab36dc04d8ef2197ab36d";
    private const string Key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    private const long Now = 7_200_000_000_000;

    private static readonly JobLayout Layout = new(Dp: 3, Pp: 1, Tp: 1);
    private static readonly JobSpec Spec = new(
        Job, Layout, 90, 42, 8, 0.001f, new JobModel(5, 128, 4, 64, 0.1f), "/srv/trainmover/gpt/corpus.txt", "/srv/trainmover/gpt",
        MicroBatches: 2, DevicesPerMachine: 1, ShardOptimizer: true, CheckpointEvery: 20, new JobTechniques(TwoPhaseGroups: true, Sandbox: true, Following: false, ArmedStandby: true, HotStandby: false));
    private static readonly JobTopology Before = new(
        1, [new(0, "m0", "10.0.0.10", 7000), new(1, "m1", "10.0.0.11", 7000), new(2, "m2", "10.0.0.12", 7000)], Key);
    private static readonly JobTopology After = new(
        2, [new(0, "m0", "10.0.0.10", 7000), new(1, "s0", "10.0.0.20", 7000), new(2, "m2", "10.0.0.12", 7000)], Key);
    private static readonly StandbyArmed Armed = new(Job, "s0", "10.0.0.20", 7000, From: 1, Generation: 2, Ranks: 3, "planner-1");
    private static readonly ShadowOutcome GoodShadow = new(Good: true, Reason: null, 812.5, 4_259_840, 0);
    private static readonly ShadowOutcome BadShadow = new(Good: false, "the loss differed from the record in its last bit", 812.5, 4_259_840, 0);
    private static readonly RankDigest Digest = new(1, "s0", StateDigest);

    private static readonly MigrationPlan Plan = new(
        Migration, Job, InterruptionKind.Expected, Before, After, [new("m1", "s0", [1])], StateSource.Leaver, Layout, "m1 is due for a firmware update",
        [Interruption], [new("s0", 2, Chosen: true, "a warm standby of this job"), new("e0", 1, Chosen: false, "elastic, not warm")], "1",
        new DateTimeOffset(2026, 3, 1, 12, 2, 0, TimeSpan.Zero), Now);

    private static readonly InterruptionRaised Raised = new(
        Interruption, InterruptionKind.Expected, InterruptionCause.Maintenance, Severity.Replace, ["m1"], "m1 is due for a firmware update", "notices-1",
        [new("/calendar", "7f0c", "maintenance of m1 announced for 13:00")], Now, ["Another machine: the calendar names m1 alone."]);

    private static readonly SwitchReport Switch = new(
        "s0", [1], Now + 60_000_000_000, Now + 60_212_000_000, 34, 0, new(Kept: 0, Inherited: 0, Removed: 0, Added: 2),
        new(Kept: 0, Inherited: 0, Removed: 0, Added: 2), 12_582_912, 12_582_912,
        [new("state-transfer", Now + 60_001_000_000, Now + 60_180_000_000), new("connect", Now + 60_001_000_000, Now + 60_012_000_000)], StateSource.Leaver, 37_748_736,
        [new("preparation", 1_204, 1_204), new("sandbox", 0, 8_388_608), new("following", 0, 37_748_736), new("state-transfer", 0, 12_582_912), new("switch", 106, 159)]);

    private static readonly Dictionary<Type, IReadOnlyList<Example>> All = Messages.Concat(Orders).Concat(Reports)
        .GroupBy(example => example.Body.GetType())
        .ToDictionary(group => group.Key, IReadOnlyList<Example> (group) => [.. group]);

    /// <summary>The examples of a message: one, or one for each variant.</summary>
    /// <param name="type">CLR type of a message of the catalogue.</param>
    /// <exception cref="InvalidOperationException">The message has no example.</exception>
    public static IReadOnlyList<Example> Of(Type type) =>
        All.GetValueOrDefault(type) ?? throw new InvalidOperationException($"{type.Name} has no example: add one, so that its wire format is shown and tested.");

    private static IEnumerable<Example> Orders
    {
        get
        {
            var orders = new (string Name, AgentOrder Order)[]
            {
                ("start-training", new StartTraining(Spec, Before) { MachineId = "m1", JobId = Job, Generation = 1, OrderId = "gpt:start" }),
                ("warm-up", new WarmUp(Spec) { MachineId = "s0", JobId = Job, Generation = 1, OrderId = "gpt:warm-up" }),
                ("arm", new Arm(Armed, Spec, Before) { MachineId = "m1", JobId = Job, Generation = 2, OrderId = "gpt-g2:arm" }),
                ("prepare", new Prepare(Plan, Spec) { MachineId = "s0", JobId = Job, Generation = 2, OrderId = "gpt-g2:prepare" }),
                ("switch", new Switch(Migration, LeaverLost: false) { MachineId = "s0", JobId = Job, Generation = 2, OrderId = "gpt-g2:switch" }),
                ("abort", new Abort(Migration, "the shadow iteration differed") { MachineId = "s0", JobId = Job, Generation = 2, OrderId = "gpt-g2:abort" }),
                ("release", new Release(Migration) { MachineId = "m1", JobId = Job, Generation = 2, OrderId = "gpt-g2:release" }),
            };
            return orders.Select(order => new Example(order.Name, new AgentCommand(order.Order)));
        }
    }

    private static IEnumerable<Example> Reports
    {
        get
        {
            var worker = new WorkerStatus(WorkerPhase.Joining, 4711, "10.0.0.20", 7000, Job, 1, [1], 33, 2);
            var reports = new (string Name, MachineReport Report)[]
            {
                ("announced", new Announced(MachineRole.Standby, worker, "leaf-3") { MachineId = "s0", Generation = 1, JobId = Job, MigrationId = Migration }),
                ("warmed-up", new WarmedUp(BadShadow) { MachineId = "s0", Generation = 1, JobId = Job, MigrationId = Migration }),
                ("caught-up", new CaughtUp("s0") { MachineId = "m1", Generation = 2, JobId = Job, MigrationId = Migration }),
                ("prepared", new Prepared(PlanDigest, 930.25, 12_582_912, GoodShadow) { MachineId = "s0", Generation = 2, JobId = Job, MigrationId = Migration }),
                ("preparation-failed", new PreparationFailed("m2 could not be reached") { MachineId = "s0", Generation = 2, JobId = Job, MigrationId = Migration }),
                ("agreed", new Agreed(34) { MachineId = "m0", Generation = 2, JobId = Job, MigrationId = Migration }),
                ("switched", new Switched(Switch) { MachineId = "s0", Generation = 2, JobId = Job, MigrationId = Migration }),
                ("aborted", new Aborted { MachineId = "m0", Generation = 2, JobId = Job, MigrationId = Migration }),
                ("refused", new Refused("gpt-g2:abort", "the vote has passed") { MachineId = "m0", Generation = 2, JobId = Job, MigrationId = Migration }),
                ("parked", new Parked(34, "peer-lost", "m1", "m1 reset the connection", Now) { MachineId = "m0", Generation = 1, JobId = Job, MigrationId = Migration }),
                ("worker-lost", new WorkerLost(4810, 41002, "The worker was killed by signal 9.") { MachineId = "s0", Generation = 1, JobId = Job, MigrationId = Migration }),
                ("finished", new Finished(90, [Digest]) { MachineId = "s0", Generation = 2, JobId = Job, MigrationId = Migration }),
            };
            return reports.Select(report => new Example(report.Name, new AgentReport(report.Report)));
        }
    }
}
