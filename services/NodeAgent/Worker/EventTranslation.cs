using System.Globalization;
using TrainMover.Collectives;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;
using TrainMover.Training;
using TrainMover.Training.Session;

namespace TrainMover.Worker;

/// <summary>Events of the session as reports and telemetry of the machine.</summary>
internal static class EventTranslation
{
    /// <summary>The report that an event calls for; null for one that is telemetry only.</summary>
    public static MachineReport? ToReport(SessionEvent happened, string machine) => happened switch
    {
        FollowerCaughtUp e => new CaughtUp(e.Standby) { MachineId = machine, JobId = e.Job, Generation = e.Generation },
        WarmUpDone e => new WarmedUp(ToOutcome(e.Shadow)) { MachineId = machine, JobId = e.Job, Generation = e.Generation },
        PreparationDone e => new Prepared(e.PlanDigest, e.Milliseconds, e.DeviceBytes, e.Shadow is null ? null : ToOutcome(e.Shadow))
        {
            MachineId = machine,
            JobId = e.Job,
            Generation = e.Generation,
            MigrationId = e.Migration,
        },
        PreparationLost e => new PreparationFailed(e.Reason) { MachineId = machine, JobId = e.Job, Generation = e.Generation, MigrationId = e.Migration },
        Training.Session.SwitchAgreed e => new Agreed(e.BoundaryStep) { MachineId = machine, JobId = e.Job, Generation = e.Generation, MigrationId = e.Migration },
        SwitchDone e => new Switched(ToSwitchReport(e, machine)) { MachineId = machine, JobId = e.Job, Generation = e.Generation, MigrationId = e.Migration },
        MigrationDropped e => new Aborted { MachineId = machine, JobId = e.Job, Generation = e.Generation, MigrationId = e.Migration },
        RequestRefused e => new Refused(e.RequestId, e.Reason) { MachineId = machine, JobId = e.Job, Generation = e.Generation, MigrationId = e.Migration },
        TrainingParked e => new Parked(e.Step, e.Cause, e.SuspectMachine, e.Detail, e.AtMonotonicNs)
        {
            MachineId = machine,
            JobId = e.Job,
            Generation = e.Generation,
            MigrationId = e.Migration,
        },
        TrainingFinished e => new Finished(e.Steps, [.. e.Digests.Select(final => new RankDigest(final.Rank, machine, final.Digest))]) { MachineId = machine, JobId = e.Job, Generation = e.Generation },
        _ => null,
    };

    public static StepCompleted ToTelemetry(StepDone e, string machine) => new(
        machine, e.Job, e.Generation, e.Rank, e.Step, e.Loss, BitConverter.SingleToUInt32Bits(e.Loss), e.Milliseconds, e.AtMonotonicNs, e.ComputeMilliseconds,
        e.Cores is { Count: > 0 } cores ? [.. cores.Select(core => new CoreTime(string.Create(CultureInfo.InvariantCulture, $"{HostIdentity.Value}/{core.Core}"), Math.Round(core.Milliseconds, 3)))] : null);

    /// <summary>A parked rank that suspects a peer says so at once; null when it suspects none, or itself.</summary>
    public static PeerUnreachable? ToTelemetry(TrainingParked e, string machine) =>
        e.SuspectMachine is { } suspect && suspect != machine
            ? new PeerUnreachable(machine, e.Job, e.Generation, suspect, e.Detail, e.AtMonotonicNs)
            : null;

    public static RankWaiting ToTelemetry(RankWaits e, string machine) => new(machine, e.Job, e.Generation, e.Rank, e.Step, e.SinceMonotonicNs);

    public static WorkerStatus ToStatus(SessionStatus status, string host, int port) => new(
        ToPhase(status.Phase), Environment.ProcessId, host, port, status.Job, status.Generation, status.Ranks.Count == 0 ? null : status.Ranks, status.Step, status.PreparedGeneration);

    private static WorkerPhase ToPhase(SessionPhase phase) => phase switch
    {
        SessionPhase.Idle => WorkerPhase.Idle,
        SessionPhase.Warm => WorkerPhase.Warm,
        SessionPhase.Joining => WorkerPhase.Joining,
        SessionPhase.Training => WorkerPhase.Training,
        SessionPhase.Parked => WorkerPhase.Parked,
        SessionPhase.Left => WorkerPhase.Left,
        SessionPhase.Finished => WorkerPhase.Finished,
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, "Unknown phase."),
    };

    // The sandbox holds no socket: nothing can leave it.
    private static ShadowOutcome ToOutcome(ShadowResult shadow) => new(shadow.Good, shadow.Reason, shadow.Duration.TotalMilliseconds, shadow.BytesAnswered, BytesLeft: 0);

    private static SwitchReport ToSwitchReport(SwitchDone e, string machine) => new(
        machine,
        e.Ranks,
        e.StoppedMonotonicNs,
        e.ResumedMonotonicNs,
        e.ResumedStep,
        e.LostSteps,
        ToDelta(e.Connections),
        ToDelta(e.Planned),
        e.StateBytes,
        e.DeviceBytes,
        [.. e.Phases.Select(phase => new TimedPhase(phase.Name, phase.StartMonotonicNs, phase.EndMonotonicNs))],
        ToSource(e.Source),
        e.FollowedBytes,
        [.. e.Traffic.Select(phase => new PhaseBytes(phase.Phase, phase.Bytes.Sent, phase.Bytes.Received))]);

    private static StateSource? ToSource(SessionStateSource? source) => source switch
    {
        null => null,
        SessionStateSource.Leaver => StateSource.Leaver,
        SessionStateSource.Peers => StateSource.DataParallelPeer,
        SessionStateSource.Checkpoint => StateSource.Checkpoint,
        _ => throw new ArgumentOutOfRangeException(nameof(source), source, "Unknown source."),
    };

    private static ConnectionDelta ToDelta(ConnectionCounts counts) => new(counts.Kept, counts.Inherited, counts.Removed, counts.Added);
}
