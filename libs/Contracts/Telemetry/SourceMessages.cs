using System.Text.Json.Serialization;

namespace TrainMover.Contracts.Telemetry;

/// <summary>The kernel log of a machine told of an error; the error-code policy says what follows.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Code">The code: <c>xid-79</c>, <c>sxid-20034</c>, <c>host-nvme-timeout</c>.</param>
/// <param name="Text">What the log says, in at most 512 characters.</param>
/// <param name="SeenAt">When the agent read it.</param>
/// <param name="Device">PCI address of the device, where the log names one: <c>0000:38:00</c>.</param>
/// <param name="Subcode">What is told apart below the code: unit, reason and status of an NVLink 5 error, the action of XID 154.</param>
/// <param name="Advice">What the decoding of an NVLink 5 error asks for: <c>none</c>, <c>follow-recovery-action</c> or <c>reset</c>.</param>
/// <param name="SaysFatal">Whether the log itself calls the error fatal, where it says so.</param>
/// <param name="ProcessId">The process, where the log names one.</param>
/// <param name="ProcessName">Its name.</param>
/// <param name="IsDetail">Further words on an error that was told before: no further occurrence.</param>
/// <param name="MonotonicNs">Monotonic time at which the agent read it; nanoseconds.</param>
[EventType("trainmover.telemetry.kernel-fault.v1", Topics.Telemetry)]
public sealed record KernelFaultSeen(
    string MachineId, string Code, string Text, DateTimeOffset SeenAt, string? Device = null, string? Subcode = null, string? Advice = null, bool? SaysFatal = null,
    int? ProcessId = null, string? ProcessName = null, bool IsDetail = false, long? MonotonicNs = null);

/// <summary>A value of a metric of a device.</summary>
/// <param name="Device">The device or port; empty for the machine as a whole.</param>
/// <param name="Metric">The metric, for example <c>device.temperature</c>; <c>docs/telemetry.md</c> lists those that detectors know.</param>
/// <param name="Value">The value; a finite number.</param>
[method: JsonConstructor]
public readonly record struct DeviceMetric(string Device, string Metric, double Value);

/// <summary>Metrics of the devices and links of a machine, taken at one time.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="TakenAt">When they were taken.</param>
/// <param name="Metrics">The values.</param>
[EventType("trainmover.telemetry.device-metrics.v1", Topics.Telemetry)]
public sealed record DeviceMetricsTaken(string MachineId, DateTimeOffset TakenAt, IReadOnlyList<DeviceMetric> Metrics);

/// <summary>A source of a machine went blind, or sees again: silence of a source that is blind says nothing of the machine.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Source">The source, for example <c>kernel-log</c> or <c>prometheus</c>.</param>
/// <param name="IsBlind">It sees nothing any more.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
[EventType("trainmover.telemetry.source-sight.v1", Topics.Telemetry)]
public sealed record SourceSight(string MachineId, string Source, bool IsBlind, string Reason);
