using TrainMover.Contracts.Telemetry;
using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Devices;

/// <summary>What a message of metrics led to.</summary>
/// <param name="Findings">What is wrong now, at the end of the machine's window.</param>
/// <param name="IsCalm">The machine gave cause for suspicion before, and has given none for a whole window, without a gap.</param>
public sealed record DeviceVerdict(IReadOnlyList<DeviceFinding> Findings, bool IsCalm)
{
    /// <summary>Nothing to tell.</summary>
    public static DeviceVerdict Nothing { get; } = new([], IsCalm: false);
}

/// <summary>
/// <see cref="DeviceDetectors"/> over the metrics of a whole fleet as they come in. Of a machine whose samples give no cause for suspicion only the last values are kept, and looking at
/// them allocates nothing; from the first sample that does (a counter of errors that grew, a flag, a state) its window is kept and judged. What is judged is the same as over all
/// samples: those that were not kept had nothing in them. Not safe for use by several threads at once.
/// </summary>
/// <param name="options">Settings.</param>
public sealed class DeviceWatch(DeviceDetectorOptions options)
{
    private const int MostMachines = 100_000;

    private readonly Dictionary<string, MachineMetrics> _machines = new(StringComparer.Ordinal);
    private DeviceDetectorOptions _options = options;

    /// <summary>Judges by other settings from now on.</summary>
    public void Use(DeviceDetectorOptions settings) => _options = settings;

    /// <summary>Something was found about the machine before anything was seen of it here: it is watched until it is calm.</summary>
    public void Suspect(string machineId, DateTimeOffset now) => Of(machineId).Suspect(now);

    /// <summary>Nobody saw the machine for a while: calm is counted anew.</summary>
    public void Blind(string machineId)
    {
        if (_machines.TryGetValue(machineId, out var machine)) machine.Blind();
    }

    /// <summary>Takes metrics in.</summary>
    /// <param name="taken">The metrics.</param>
    /// <param name="source">Who took them.</param>
    /// <param name="id">Id at the source; a message that comes again changes nothing and gives the same findings.</param>
    public DeviceVerdict Take(DeviceMetricsTaken taken, string source, string id) => Of(taken.MachineId).Take(taken, source, id, _options);

    private MachineMetrics Of(string machineId)
    {
        if (_machines.TryGetValue(machineId, out var machine)) return machine;
        if (_machines.Count == MostMachines) _machines.Remove(_machines.Keys.First());
        return _machines[machineId] = new MachineMetrics();
    }
}
