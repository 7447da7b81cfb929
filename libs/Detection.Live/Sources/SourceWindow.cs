using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Domain.Detection;
using TrainMover.Telemetry.Devices;
using TrainMover.Telemetry.Faults;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Detection.Live.Sources;

/// <summary>
/// What kernel logs, health checks and exporters said lately, what policy and detectors find in it, and what of it is over. Not safe for use by several threads at once.
/// </summary>
/// <param name="policy">What follows from error codes.</param>
/// <param name="devices">Settings of the detectors of devices and links.</param>
public sealed class SourceWindow(ErrorCodePolicy policy, DeviceDetectorOptions devices)
{
    private const int MostFaults = 512;
    private const int MostEvidence = 8;
    private const int MostMachines = 100_000;

    private static readonly TimeSpan Again = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, Queue<ObservedFault>> _faults = new(StringComparer.Ordinal);
    private readonly Dictionary<(string MachineId, InterruptionCause Cause), (Severity Severity, DateTimeOffset At)> _told = [];
    private readonly DeviceWatch _watch = new(devices);
    private readonly Recoveries _recoveries = new();
    private TimeSpan _together = devices.Together;
    private ErrorCodePolicy _policy = policy;
    private ErrorCodeSettings _codes = ErrorCodeSettings.Of(policy);

    /// <summary>Sources that see nothing now, by machine: their silence proves nothing.</summary>
    public IReadOnlyCollection<SourceSight> Blind => _recoveries.Blind;

    /// <summary>Findings that wait for others of the same cause.</summary>
    public HeldFindings Held { get; } = new();

    /// <summary>Findings that have waited long enough.</summary>
    public IReadOnlyList<Finding> Due(DateTimeOffset now) => Held.Due(now, _together);

    /// <summary>Judges by other settings from now on.</summary>
    public void Use(ErrorCodeSettings codes, DeviceDetectorOptions links)
    {
        (_policy, _codes) = (_policy with { Repeat = codes.Repeat }, codes);
        _watch.Use(links);
        _together = links.Together;
        _told.Clear();
    }

    /// <summary>Whether a message belongs into this window.</summary>
    public static bool Takes(object body) => body is KernelFaultSeen or FaultReported or DeviceMetricsTaken or SourceSight;

    /// <summary>Takes a message in; what follows from it. What was <see cref="Told"/> within the last minute is left out.</summary>
    /// <param name="source">CloudEvents source.</param>
    /// <param name="id">CloudEvents id.</param>
    /// <param name="body">The message, one that <see cref="Takes"/>.</param>
    /// <param name="now">When it was read.</param>
    public IReadOnlyList<Finding> Take(string source, string id, object body, DateTimeOffset now)
    {
        switch (body)
        {
            case DeviceMetricsTaken taken:
                var verdict = _watch.Take(taken, source, id);
                if (verdict.IsCalm) _recoveries.Calm(taken.MachineId);
                return verdict.Findings.Count == 0 ? [] : New(Found(verdict.Findings, id), now);
            case KernelFaultSeen seen:
                return New(Judge(Observed(seen, source, id), seen.MonotonicNs, now), now);
            case FaultReported reported:
                return New(Judge(new ObservedFault(reported.MachineId, reported.Code, now, source, id) { Text = reported.Detail }, reported.MonotonicNs, now), now);
            case SourceSight sight:
                _recoveries.Seen(sight, now);
                _watch.Blind(sight.MachineId);
                return [];
            default:
                return [];
        }
    }

    /// <summary>A finding took effect: as long as it lasts, it is told again once a minute at most.</summary>
    public void Told(Finding finding, DateTimeOffset now)
    {
        if (_told.Count >= MostMachines) _told.Clear();
        _told[(finding.MachineId, finding.Cause)] = (finding.Severity, now);
    }

    /// <summary>Interruptions that a former process raised or recorded: they are watched until they are over.</summary>
    public void Remember(IEnumerable<InterruptionRaised> open, DateTimeOffset now)
    {
        foreach (var (machine, detector) in open.SelectMany(raised => raised.Machines, (raised, machine) => (machine, DetectorTuning.Split(raised.Detector).Detector)))
        {
            if (detector == DetectorNames.Devices) _watch.Suspect(machine, now);
            if (detector == DetectorNames.ErrorCodes) _recoveries.Fault(machine, now);
        }
    }

    /// <summary>What is over now, until it is <see cref="Over"/>.</summary>
    public IReadOnlyList<Recovery> Recovered(DateTimeOffset now) => _recoveries.At(now, _codes.Quiet);

    /// <summary>A recovery took effect.</summary>
    public void Over(Recovery recovery) => _recoveries.Done(recovery);

    // What was told a moment ago lasts; only what is graver is told at once.
    private List<Finding> New(List<Finding> findings, DateTimeOffset now)
    {
        findings.RemoveAll(finding => _told.TryGetValue((finding.MachineId, finding.Cause), out var told) && told.Severity <= finding.Severity && now - told.At < Again);
        return findings;
    }

    private List<Finding> Judge(ObservedFault fault, long? monotonicNs, DateTimeOffset now)
    {
        var window = Keep(fault);
        var verdicts = _policy.Judge(window.Where(known => known.Device == fault.Device && string.Equals(known.Code, fault.Code, StringComparison.OrdinalIgnoreCase)))
            .Where(verdict => verdict.Tier != PolicyTier.Ignore && !fault.IsDetail).ToList();
        if (verdicts.Count > 0) _recoveries.Fault(fault.MachineId, now);
        return
        [
            .. verdicts.Select(verdict => new Finding(
                $"{fault.MachineId}-{verdict.Code}-{fault.Id}", fault.MachineId, InterruptionCause.ErrorCode, SeverityOf(verdict.Tier), Said(verdict.Reason, fault.Text), DetectorNames.ErrorCodes,
                [.. verdict.Evidence.TakeLast(MostEvidence).Select(one => new Evidence(one.Source, one.Id, $"{one.Code} at {one.At:O}{(one.Text is null ? "" : $": {one.Text}")}"))], monotonicNs)),
        ];
    }

    private static List<Finding> Found(IReadOnlyList<DeviceFinding> findings, string id) =>
    [
        .. findings.Select(found => new Finding(
            $"{found.MachineId}-{CauseName(found.Trouble)}-{id}", found.MachineId, CauseOf(found.Trouble), SeverityOf(found.Tier), found.Reason, DetectorNames.Devices,
            [.. found.Evidence.Select(one => new Evidence(one.Source, one.Id, $"{one.Metric} is {one.Value} at {one.At:O}"))])),
    ];

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
    private Queue<ObservedFault> Keep(ObservedFault fault)
    {
        if (!_faults.TryGetValue(fault.MachineId, out var window))
        {
            if (_faults.Count == MostMachines) _faults.Remove(_faults.Keys.First());
            _faults[fault.MachineId] = window = new Queue<ObservedFault>();
        }

        if (window.Contains(fault)) return window;
        window.Enqueue(fault);
        if (window.Count > MostFaults) window.Dequeue();
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
