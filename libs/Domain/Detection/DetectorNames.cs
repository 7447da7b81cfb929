using TrainMover.Contracts.Interruptions;

namespace TrainMover.Domain.Detection;

/// <summary>Names of the detectors, by which they are tuned and by which interruptions name them.</summary>
public static class DetectorNames
{
    /// <summary>A worker process that ended without being told to.</summary>
    public const string WorkerDeath = "worker-death";

    /// <summary>Agent and worker are silent.</summary>
    public const string MachineLoss = "machine-loss";

    /// <summary>A worker whose process is there and whose peers do not hear it.</summary>
    public const string WorkerUnreachable = "worker-unreachable";

    /// <summary>An agent that is silent while its worker trains on.</summary>
    public const string AgentLoss = "agent-loss";

    /// <summary>Maintenance notices, and requests of operators.</summary>
    public const string Notices = "notices";

    /// <summary>Error codes, answered by a policy.</summary>
    public const string ErrorCodes = "error-codes";

    /// <summary>Metrics of devices and links.</summary>
    public const string Devices = "devices";

    /// <summary>Which of the detectors over heartbeats, exits and notices finds a cause.</summary>
    public static string Of(InterruptionCause cause) => cause switch
    {
        InterruptionCause.WorkerDeath => WorkerDeath,
        InterruptionCause.WorkerUnreachable => WorkerUnreachable,
        InterruptionCause.MachineLoss => MachineLoss,
        InterruptionCause.AgentLoss => AgentLoss,
        _ => Notices,
    };
}
