namespace TrainMover.Telemetry.Metrics;

/// <summary>One value of a metric of a device of a machine.</summary>
/// <param name="Device">The device; empty for the machine as a whole.</param>
/// <param name="Metric">Name of the metric, one of <see cref="DeviceMetrics"/> where it is known.</param>
/// <param name="Value">The value; a number.</param>
public sealed record DeviceSample(string Device, string Metric, double Value);

/// <summary>All values of a machine at one time.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="At">When they were taken.</param>
/// <param name="Samples">The values.</param>
/// <param name="Source">Who took them.</param>
/// <param name="Id">Id of the observation at its source.</param>
public sealed record DeviceSnapshot(string MachineId, DateTimeOffset At, IReadOnlyList<DeviceSample> Samples, string Source, string Id);
