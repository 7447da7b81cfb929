using TrainMover.Telemetry.Policy;

namespace TrainMover.Telemetry.Devices;

/// <summary>What is wrong with a device or link.</summary>
public enum DeviceTrouble
{
    /// <summary>Heat keeps its clock down.</summary>
    ThermalThrottle,

    /// <summary>Something else than heat keeps its clock down while it is busy.</summary>
    ClockThrottle,

    /// <summary>Its memory had errors that could not be corrected, or that wait for a reset.</summary>
    MemoryError,

    /// <summary>A link has errors, or is down.</summary>
    LinkError,

    /// <summary>A link goes down and comes back again and again.</summary>
    LinkFlapping,
}

/// <summary>A sample that a finding rests on.</summary>
/// <param name="Source">Who took it.</param>
/// <param name="Id">Id of the observation at its source.</param>
/// <param name="At">When.</param>
/// <param name="Metric">Which metric.</param>
/// <param name="Value">Its value.</param>
public sealed record DeviceEvidence(string Source, string Id, DateTimeOffset At, string Metric, double Value);

/// <summary>What a detector found out about a device or link of a machine.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Device">The device or port.</param>
/// <param name="Trouble">What is wrong.</param>
/// <param name="Tier">What follows.</param>
/// <param name="Since">Since when.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
/// <param name="Evidence">The first and the last sample that it rests on.</param>
public sealed record DeviceFinding(
    string MachineId, string Device, DeviceTrouble Trouble, PolicyTier Tier, DateTimeOffset Since, string Reason, IReadOnlyList<DeviceEvidence> Evidence);
