using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Domain.Detection;

namespace TrainMover.Detection.Live.Sources;

/// <summary>What error codes and metrics said of a machine, and does not hold any more. A source that is blind lets nothing recover.</summary>
internal sealed class Recoveries
{
    private const string KernelLog = "kernel-log";

    private static readonly InterruptionCause[] OfDevices = [InterruptionCause.ThermalThrottle, InterruptionCause.ClockThrottle, InterruptionCause.LinkError];

    private readonly Dictionary<string, DateTimeOffset> _faults = new(StringComparer.Ordinal);
    private readonly Dictionary<(string MachineId, string Source), SourceSight> _blind = [];
    private readonly HashSet<string> _calm = new(StringComparer.Ordinal);

    public IReadOnlyCollection<SourceSight> Blind => _blind.Values;

    /// <summary>A code that led to something.</summary>
    public void Fault(string machineId, DateTimeOffset now) => _faults[machineId] = now;

    /// <summary>Metrics gave no cause for suspicion for a whole window.</summary>
    public void Calm(string machineId) => _calm.Add(machineId);

    public void Seen(SourceSight sight, DateTimeOffset now)
    {
        if (sight.IsBlind) _blind[(sight.MachineId, sight.Source)] = sight;
        else _blind.Remove((sight.MachineId, sight.Source));
        // What happened meanwhile is not known: the quiet is counted anew.
        if (_faults.ContainsKey(sight.MachineId)) _faults[sight.MachineId] = now;
    }

    public IReadOnlyList<Recovery> At(DateTimeOffset now, TimeSpan quiet)
    {
        if (_calm.Count == 0 && _faults.Count == 0) return [];
        return
        [
            .. _calm.Select(machine => new Recovery(DetectorNames.Devices, machine, OfDevices, $"The metrics of {machine} are as they should be, for a whole window.")),
            .. _faults.Where(fault => now - fault.Value >= quiet && !_blind.ContainsKey((fault.Key, KernelLog)))
                .Select(fault => new Recovery(DetectorNames.ErrorCodes, fault.Key, [InterruptionCause.ErrorCode], $"{fault.Key} has reported no such code for {quiet}.")),
        ];
    }

    public void Done(Recovery recovery)
    {
        if (recovery.Detector == DetectorNames.Devices) _calm.Remove(recovery.MachineId);
        else _faults.Remove(recovery.MachineId);
    }
}
