using TrainMover.Contracts.Commands;
using TrainMover.Contracts.DeadLetters;
using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Contracts;

/// <summary>The Kafka key of a message: order is kept per key.</summary>
public static class MessageKey
{
    /// <summary>
    /// Interruption id, detector, job id or machine id, depending on the topic; of a dead letter the original key, or the original topic where there was none.
    /// </summary>
    /// <exception cref="ArgumentException">The message has no key rule.</exception>
    public static string Of(object body) => body switch
    {
        InterruptionRaised e => e.InterruptionId,
        InterruptionHeld e => e.InterruptionId,
        InterruptionSuppressed e => e.InterruptionId,
        InterruptionResolved e => e.InterruptionId,
        InterruptionRecovered e => e.InterruptionId,
        DetectorTuned e => e.Detector,
        MachineRegistered e => e.MachineId,
        MachineWorkerLost e => e.MachineId,
        MachineAssigned e => e.MachineId,
        MachineReserved e => e.MachineId,
        MachineReleased e => e.MachineId,
        MachineQuarantined e => e.MachineId,
        ServiceStarted e => e.Service,
        ServiceReady e => e.Service,
        JobSubmitted e => e.Spec.JobId,
        JobStarted e => e.JobId,
        StandbyAssigned e => e.JobId,
        StandbyReady e => e.JobId,
        StandbyRejected e => e.JobId,
        StandbyArmed e => e.JobId,
        StandbyCaughtUp e => e.JobId,
        JobMigrationOpened e => e.JobId,
        JobMigrationClosed e => e.JobId,
        JobRankFinished e => e.JobId,
        JobCompleted e => e.JobId,
        MigrationPlanned e => e.Plan.JobId,
        PreparationStarted e => e.JobId,
        ParticipantReady e => e.JobId,
        SwitchOrdered e => e.JobId,
        SwitchAgreed e => e.JobId,
        ParticipantSwitched e => e.JobId,
        MigrationCompleted e => e.JobId,
        AbortOrdered e => e.JobId,
        MigrationAborted e => e.JobId,
        MigrationEscalated e => e.JobId,
        MigrationSuperseded e => e.JobId,
        OrderRefused e => e.JobId,
        AgentCommand e => e.Order.MachineId,
        AgentReport e => e.Report.MachineId,
        Heartbeat e => e.MachineId,
        StepCompleted e => e.MachineId,
        WorkerExited e => e.MachineId,
        PeerUnreachable e => e.MachineId,
        RankWaiting e => e.MachineId,
        FaultReported e => e.MachineId,
        KernelFaultSeen e => e.MachineId,
        DeviceMetricsTaken e => e.MachineId,
        SourceSight e => e.MachineId,
        MaintenanceScheduled e => e.MachineId,
        ReplacementRequested e => e.MachineId,
        DeadLettered e => e.Key ?? e.Topic,
        _ => throw new ArgumentException($"{body.GetType().Name} has no key rule.", nameof(body)),
    };
}
