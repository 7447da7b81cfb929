using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Domain.Detection;
using TrainMover.Telemetry.Devices;
using TrainMover.Telemetry.Faults;
using TrainMover.Telemetry.Metrics;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Detection.Live.Sources;

/// <summary>What kernel logs, health checks and exporters said lately, and what policy and detectors find in it. Not safe for use by several threads at once.</summary>
/// <param name="policy">What follows from error codes.</param>
/// <param name="devices">Settings of the detectors of devices and links.</param>
public sealed class SourceWindow(ErrorCodePolicy policy, DeviceDetectorOptions devices)
{
    private const int MostFaults = 512;
    private const int MostSnapshots = 256;
    private const int MostEvidence = 8;
    private const int MostMachines = 100_000;

    private readonly Dictionary<string, Queue<ObservedFault>> _faults = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Queue<DeviceSnapshot>> _snapshots = new(StringComparer.Ordinal);
    private ErrorCodePolicy _policy = policy;
    private DeviceDetectorOptions _devices = devices;

    /// <summary>Judges by other settings from now on.</summary>
    public void Use(ErrorCodeSettings codes, DeviceDetectorOptions links) => (_policy, _devices) = (_policy with { Repeat = codes.Repeat }, links);

    /// <summary>Whether a message belongs into this window.</summary>
    public static bool Takes(object body) => body is KernelFaultSeen or FaultReported or DeviceMetricsTaken or SourceSight;

    /// <summary>Takes a message in; what follows from it.</summary>
    /// <param name="source">CloudEvents source.</param>
    /// <param name="id">CloudEvents id.</param>
    /// <param name="body">The message, one that <see cref="Takes"/>.</param>
    /// <param name="now">When it was read.</param>
    public IReadOnlyList<Finding> Take(string source, string id, object body, DateTimeOffset now) => body switch
    {
        KernelFaultSeen seen => Judge(Observed(seen, source, id), seen.MonotonicNs),
        FaultReported reported => Judge(new ObservedFault(reported.MachineId, reported.Code, now, source, id) { Text = reported.Detail }, reported.MonotonicNs),
        DeviceMetricsTaken taken => Judge(taken, source, id),
        _ => [],
    };

    private List<Finding> Judge(ObservedFault fault, long? monotonicNs)
    {
        var window = Keep(_faults, fault.MachineId, fault, MostFaults);
        return
        [
            .. _policy.Judge(window.Where(known => known.Device == fault.Device && string.Equals(known.Code, fault.Code, StringComparison.OrdinalIgnoreCase)))
                .Where(verdict => verdict.Tier != PolicyTier.Ignore && !fault.IsDetail)
                .Select(verdict => new Finding(
                    $"{fault.MachineId}-{verdict.Code}-{fault.Id}", fault.MachineId, InterruptionCause.ErrorCode, SeverityOf(verdict.Tier), Said(verdict.Reason, fault.Text), DetectorNames.ErrorCodes,
                    [.. verdict.Evidence.TakeLast(MostEvidence).Select(one => new Evidence(one.Source, one.Id, $"{one.Code} at {one.At:O}{(one.Text is null ? "" : $": {one.Text}")}"))], monotonicNs)),
        ];
    }

    private List<Finding> Judge(DeviceMetricsTaken taken, string source, string id)
    {
        var snapshot = new DeviceSnapshot(
            taken.MachineId, taken.TakenAt, [.. taken.Metrics.Select(metric => new DeviceSample(metric.Device, metric.Metric, metric.Value))], source, id);
        var window = Keep(_snapshots, taken.MachineId, snapshot, MostSnapshots);
        while (window.Count > 1 && snapshot.At - window.Peek().At > _devices.Window) window.Dequeue();
        return
        [
            .. DeviceDetectors.Judge(window, _devices).Select(found => new Finding(
                $"{found.MachineId}-{CauseName(found.Trouble)}-{id}", found.MachineId, CauseOf(found.Trouble), SeverityOf(found.Tier), found.Reason, DetectorNames.Devices,
                [.. found.Evidence.Select(one => new Evidence(one.Source, one.Id, $"{one.Metric} is {one.Value} at {one.At:O}"))])),
        ];
    }

    private static ObservedFault Observed(KernelFaultSeen seen, string source, string id) => new(seen.MachineId, seen.Code, seen.SeenAt, source, id)
    {
        Device = seen.Device,
        Subcode = seen.Subcode,
        SaysFatal = seen.SaysFatal,
        Advice = NvLinkAdvices.Find(seen.Advice),
        IsDetail = seen.IsDetail,
        Text = seen.Text,
    };

    // A message that comes again, because its effect could not be stored, is no second occurrence.
    private static Queue<T> Keep<T>(Dictionary<string, Queue<T>> windows, string machineId, T item, int most)
    {
        if (!windows.TryGetValue(machineId, out var window))
        {
            if (windows.Count == MostMachines) windows.Remove(windows.Keys.First());
            windows[machineId] = window = new Queue<T>();
        }

        if (window.Contains(item)) return window;
        window.Enqueue(item);
        if (window.Count > most) window.Dequeue();
        return window;
    }

    private static string Said(string reason, string? text) => string.IsNullOrEmpty(text) ? reason : $"{reason.TrimEnd('.')} ({text}).";

    private static Severity SeverityOf(PolicyTier tier) => tier switch
    {
        PolicyTier.Replace => Severity.Replace,
        PolicyTier.Restart => Severity.Restart,
        _ => Severity.Reattempt,
    };

    private static InterruptionCause CauseOf(DeviceTrouble trouble) => trouble switch
    {
        DeviceTrouble.ThermalThrottle => InterruptionCause.ThermalThrottle,
        DeviceTrouble.ClockThrottle => InterruptionCause.ClockThrottle,
        DeviceTrouble.MemoryError => InterruptionCause.MemoryError,
        _ => InterruptionCause.LinkError,
    };

    private static string CauseName(DeviceTrouble trouble) => trouble.ToString().ToLowerInvariant();
}
