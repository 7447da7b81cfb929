using TrainMover.Contracts.DeadLetters;
using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Contracts.Schema;

public static partial class Examples
{
    private static IEnumerable<Example> Messages =>
        new object[]
        {
            new Heartbeat("m1", 4711, Now, WorkerStopped: true),
            new StepCompleted("m1", Job, 1, 1, 33, 2.5f, 1_075_838_976, 410.5, Now, 371.25, [new("8f14e45f/1", 360.5), new("8f14e45f/0", 10.75)]),
            new WorkerExited("m1", 4711, Ordered: false, Job, 1, "killed by signal 9", Now),
            new PeerUnreachable("m0", Job, 1, "m1", "connection reset", Now),
            new RankWaiting("m0", Job, 1, 0, 34, Now),
            new FaultReported("m1", "xid-79", "GPU has fallen off the bus", Now),
            new KernelFaultSeen(
                "m1", "xid-149", "NETIR_LINK_EVT Fatal XC0 i0 Link 09 (0x004525c6 0x00000000)", new DateTimeOffset(2026, 3, 1, 13, 0, 0, TimeSpan.Zero), "0018:01:00", "netir-link-evt/4/0", "reset",
                SaysFatal: true, 4711, "python3", IsDetail: false, Now),
            new DeviceMetricsTaken("m1", new DateTimeOffset(2026, 3, 1, 13, 0, 0, TimeSpan.Zero), [new("GPU-20c56d28", "device.temperature", 61)]),
            new SourceSight("m1", "prometheus", IsBlind: true, "http://localhost:9400/metrics did not answer within 5 s."),
            new MaintenanceScheduled("m1", "firmware update", new DateTimeOffset(2026, 3, 1, 13, 0, 0, TimeSpan.Zero), Now),
            new ReplacementRequested("m1", "noisy fan", "operator", Now),

            Raised,
            new InterruptionHeld(Interruption, Raised, "It waits for others behind leaf-3."),
            new InterruptionSuppressed(Interruption, Raised, "notices only logs since version 1 of its settings"),
            new InterruptionResolved(Interruption, Migration),
            new InterruptionRecovered(Interruption, "the maintenance was called off"),

            new DetectorTuned("hang", DetectorMode.LogOnly, [new("Multiple", "3"), new("Slack", "250ms")], 2, "operator", "evaluations of this job take longer than before"),

            new MachineRegistered("s0", MachineRole.Standby, "10.0.0.20", 7000, "leaf-3"),
            new MachineWorkerLost("s0", 4810, "The worker was killed by signal 9."),
            new MachineAssigned("s0", Job, [1], 2),
            new MachineReserved("s0", Migration),
            new MachineReleased("m1", "its rank moved to s0"),
            new MachineQuarantined("m1", "maintenance", new DateTimeOffset(2026, 3, 1, 18, 0, 0, TimeSpan.Zero)),
            new ServiceStarted("planner", "019cabcd-0000-7000-8000-0123456789ab", "0.1.0", 4700),
            new ServiceReady("planner", "019cabcd-0000-7000-8000-0123456789ab", 64, 12, 812.5),

            new JobSubmitted(Spec),
            new JobStarted(Job, Before),
            new StandbyAssigned(Job, "s0"),
            new StandbyReady(Job, "s0", 812.5),
            new StandbyRejected(Job, "s0", "the loss differed from the record in its last bit"),
            Armed,
            new StandbyCaughtUp(Job, "s0", "m1", 2),
            new JobMigrationOpened(Job, Migration, 2),
            new JobMigrationClosed(Job, Migration, MigrationOutcome.Completed, After),
            new JobRankFinished(Job, 90, Digest),
            new JobCompleted(Job, 90, [new(0, "m0", StateDigest), Digest, new(2, "m2", StateDigest)]),

            new MigrationPlanned(Plan),
            new PreparationStarted(Migration, Job, ["m0", "m1", "m2", "s0"]),
            new ParticipantReady(Migration, Job, "s0", PlanDigest, 930.25, 12_582_912, GoodShadow),
            new SwitchOrdered(Migration, Job, PlanDigest),
            new SwitchAgreed(Migration, Job, 34, "m0"),
            new ParticipantSwitched(Migration, Job, Switch),
            new MigrationCompleted(Migration, Job, 212, 0, new(Kept: 2, Inherited: 0, Removed: 4, Added: 4), 12_582_912, 0),
            new AbortOrdered(Migration, Job, MigrationPhase.Preparing, "the joiner's shadow iteration differed from the record"),
            new MigrationAborted(Migration, Job, MigrationPhase.Aborting, "the joiner's shadow iteration differed from the record"),
            new MigrationEscalated(Migration, Job, "worker-death-m1", Now),
            new MigrationSuperseded(Migration, Job, "s0 was lost before its first step"),
            new OrderRefused(Migration, Job, "m0", "abort", "the vote has passed"),

            new DeadLettered(
                DeadLetterReason.SchemaViolation, "JSON deserialization was missing 'code'", "trainmover.telemetry", 2, 17,
                "eyJzcGVjdmVyc2lvbiI6IjEuMCJ9", "m1", "trainmover.detector"),
        }.Select(message => new Example(Variant: null, message));
}
