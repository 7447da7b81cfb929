namespace TrainMover.Detection.Campaigns.Manifest;

/// <summary>What befalls a fleet: faults first, then what looks like one, and must not be raised.</summary>
public enum FaultType
{
    /// <summary>A worker process ends.</summary>
    WorkerDeath,

    /// <summary>A machine loses power.</summary>
    MachineLoss,

    /// <summary>A switch dies, with all machines behind it.</summary>
    SwitchLoss,

    /// <summary>An agent ends, and comes back later; its worker trains on.</summary>
    AgentLoss,

    /// <summary>The peers of a worker do not hear it any more; its agent does.</summary>
    UnreachableWorker,

    /// <summary>A worker process is stopped, and goes on later.</summary>
    StoppedWorker,

    /// <summary>A worker process runs and is stuck in an operation: its peers wait for it.</summary>
    StuckWorker,

    /// <summary>A job makes no progress, and nothing says for whom it waits.</summary>
    JobHang,

    /// <summary>A worker computes longer than its peers.</summary>
    SlowWorker,

    /// <summary>Heat keeps the clock of a device down; it may slow the worker.</summary>
    ThermalThrottle,

    /// <summary>Power supply or hardware keep the clock of a device down; it may slow the worker.</summary>
    ClockThrottle,

    /// <summary>Errors of memory that cannot be corrected.</summary>
    MemoryError,

    /// <summary>A link goes down and comes back, again and again.</summary>
    FlappingLink,

    /// <summary>A link has many errors.</summary>
    LinkErrors,

    /// <summary>The ports of all machines behind a switch are down.</summary>
    SwitchTrouble,

    /// <summary>The kernel log tells of an error of the device.</summary>
    ErrorCode,

    /// <summary>The loss is no number.</summary>
    LossNotANumber,

    /// <summary>The loss leaves its course and does not come back.</summary>
    LossSpike,

    /// <summary>Metrics of a machine leave what is normal for its class.</summary>
    MetricAnomaly,

    /// <summary>All steps of a job become slower: nobody is to blame.</summary>
    SlowJob,

    /// <summary>One pipeline stage has more work than the others.</summary>
    UnevenStages,

    /// <summary>The work of the ranks differs from step to step.</summary>
    DataSkew,

    /// <summary>A loss that leaves its course and comes back.</summary>
    HealingSpike,

    /// <summary>The kernel log tells of an error that calls for nothing.</summary>
    HarmlessCode,

    /// <summary>A power limit that was set on purpose keeps the clock down.</summary>
    PowerLimit,
}
