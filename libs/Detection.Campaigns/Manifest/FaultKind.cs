using TrainMover.Contracts.Interruptions;
using TrainMover.Detection.Jobs;
using TrainMover.Detection.Metrics;
using TrainMover.Detection.Stragglers;
using TrainMover.Domain.Detection;

namespace TrainMover.Detection.Campaigns.Manifest;

/// <summary>What has to be raised for a type of fault, by when. Written down before anything was measured.</summary>
/// <param name="Type">The type.</param>
/// <param name="Name">Its name, for people.</param>
/// <param name="Detector">The detector that finds it.</param>
/// <param name="Cause">The cause that has to be raised; null for what is no fault: nothing may be raised.</param>
/// <param name="Severity">What has to be asked for; error codes bring their own.</param>
/// <param name="Within">Time from the begin of the fault in which it has to be raised; multiplied by a step where it is counted in steps.</param>
/// <param name="WithinSteps">Usual steps that are added to it.</param>
public sealed record FaultKind(FaultType Type, string Name, string Detector, InterruptionCause? Cause, Severity? Severity, TimeSpan Within, int WithinSteps = 0)
{
    /// <summary>All types, in the order of <see cref="FaultType"/>.</summary>
    public static IReadOnlyList<FaultKind> All { get; } =
    [
        Fault(FaultType.WorkerDeath, "worker killed", DetectorNames.WorkerDeath, InterruptionCause.WorkerDeath, Contracts.Interruptions.Severity.Replace, 1),
        Fault(FaultType.MachineLoss, "machine lost", DetectorNames.MachineLoss, InterruptionCause.MachineLoss, Contracts.Interruptions.Severity.Replace, 2),
        Fault(FaultType.SwitchLoss, "machines behind one switch lost", DetectorNames.MachineLoss, InterruptionCause.MachineLoss, Contracts.Interruptions.Severity.Replace, 3),
        Fault(FaultType.AgentLoss, "agent lost", DetectorNames.AgentLoss, InterruptionCause.AgentLoss, Contracts.Interruptions.Severity.Restart, 4),
        Fault(FaultType.UnreachableWorker, "worker unreachable", DetectorNames.WorkerUnreachable, InterruptionCause.WorkerUnreachable, Contracts.Interruptions.Severity.Replace, 4),
        Fault(FaultType.StoppedWorker, "worker stopped", HangWatch.Name, InterruptionCause.Hang, Contracts.Interruptions.Severity.Replace, 1, steps: 3),
        Fault(FaultType.StuckWorker, "worker stuck in an operation", HangWatch.Name, InterruptionCause.Hang, Contracts.Interruptions.Severity.Replace, 7, steps: 5),
        Fault(FaultType.JobHang, "job hangs, nobody to blame", HangWatch.Name, InterruptionCause.Hang, Contracts.Interruptions.Severity.Restart, 32, steps: 5),
        Fault(FaultType.SlowWorker, "worker slow", PeerSlowdown.Name, InterruptionCause.SlowWorker, Contracts.Interruptions.Severity.Replace, 3, steps: 12),
        Fault(FaultType.ThermalThrottle, "throttled by heat", DetectorNames.Devices, InterruptionCause.ThermalThrottle, Contracts.Interruptions.Severity.Replace, 100),
        Fault(FaultType.ClockThrottle, "throttled by power supply or hardware", DetectorNames.Devices, InterruptionCause.ClockThrottle, Contracts.Interruptions.Severity.Replace, 100),
        Fault(FaultType.MemoryError, "memory error", DetectorNames.Devices, InterruptionCause.MemoryError, Contracts.Interruptions.Severity.Replace, 30),
        Fault(FaultType.FlappingLink, "link flapping", DetectorNames.Devices, InterruptionCause.LinkError, Contracts.Interruptions.Severity.Replace, 360),
        Fault(FaultType.LinkErrors, "errors of a link", DetectorNames.Devices, InterruptionCause.LinkError, Contracts.Interruptions.Severity.Reattempt, 660),
        Fault(FaultType.SwitchTrouble, "ports behind one switch down", DetectorNames.Devices, InterruptionCause.LinkError, Contracts.Interruptions.Severity.Replace, 120),
        Fault(FaultType.ErrorCode, "error code", DetectorNames.ErrorCodes, InterruptionCause.ErrorCode, null, 2),
        Fault(FaultType.LossNotANumber, "loss no number", LossWatch.Name, InterruptionCause.LossCorruption, Contracts.Interruptions.Severity.Restart, 1, steps: 3),
        Fault(FaultType.LossSpike, "loss spike that does not heal", LossWatch.Name, InterruptionCause.LossCorruption, Contracts.Interruptions.Severity.Restart, 1, steps: 240),
        Fault(FaultType.MetricAnomaly, "metrics not normal", MetricModel.Name, InterruptionCause.MetricAnomaly, Contracts.Interruptions.Severity.Replace, 900),
        NoFault(FaultType.SlowJob, "whole job slow (no fault)", JobSlowdown.Name),
        NoFault(FaultType.UnevenStages, "uneven stages (no fault)", PeerSlowdown.Name),
        NoFault(FaultType.DataSkew, "data skew (no fault)", PeerSlowdown.Name),
        NoFault(FaultType.HealingSpike, "loss spike that heals (no fault)", LossWatch.Name),
        NoFault(FaultType.HarmlessCode, "harmless error code (no fault)", DetectorNames.ErrorCodes),
        NoFault(FaultType.PowerLimit, "power limit (no fault)", DetectorNames.Devices),
    ];

    /// <summary>Whether something has to be raised.</summary>
    public bool IsFault => Cause is not null;

    /// <summary>What is known of a type.</summary>
    public static FaultKind Of(FaultType type) => All[(int)type];

    /// <summary>By when it has to be raised, where a step usually takes so long.</summary>
    public TimeSpan Deadline(TimeSpan step) => Within + (WithinSteps * step);

    /// <summary>Whether training stands still because of it: somebody acts on it, or ends the job, before anything else follows.</summary>
    public bool StopsTraining => Type is FaultType.WorkerDeath or FaultType.MachineLoss or FaultType.SwitchLoss or FaultType.UnreachableWorker or FaultType.StoppedWorker or FaultType.StuckWorker or FaultType.JobHang;

    /// <summary>Whether the job as a whole is named.</summary>
    public bool OfJob => Type is FaultType.JobHang or FaultType.LossNotANumber or FaultType.LossSpike;

    private static FaultKind Fault(FaultType type, string name, string detector, InterruptionCause cause, Severity? severity, double seconds, int steps = 0) =>
        new(type, name, detector, cause, severity, TimeSpan.FromSeconds(seconds), steps);

    private static FaultKind NoFault(FaultType type, string name, string detector) => new(type, name, detector, null, null, TimeSpan.FromMinutes(8));
}
