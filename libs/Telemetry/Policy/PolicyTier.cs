namespace TrainMover.Telemetry.Policy;

/// <summary>What follows from an error code, from lightest to heaviest.</summary>
public enum PolicyTier
{
    /// <summary>Nothing.</summary>
    Ignore,

    /// <summary>Whatever failed is tried again in place.</summary>
    Reattempt,

    /// <summary>The process is restarted.</summary>
    Restart,

    /// <summary>The machine is replaced.</summary>
    Replace,
}
