using TrainMover.Telemetry.Faults;

namespace TrainMover.Telemetry.KernelLog;

/// <summary>An error that a line of a machine's kernel log tells of.</summary>
/// <param name="MachineId">The machine whose log it is.</param>
/// <param name="Fault">The error.</param>
/// <param name="Line">The line without the fault's own words: when, how grave, on which host.</param>
public sealed record KernelLogRecord(string MachineId, KernelFault Fault, KernelLogLine Line);

/// <summary>
/// Reads the lines of one kernel log in their order, and remembers as much of them as later ones need: a message that goes on in the next record, and the driver's
/// three lines on a GPU that fell off the bus. Not safe for use by several threads at once.
/// </summary>
/// <param name="machineId">The machine whose log it is.</param>
public sealed class KernelLogDecoder(string machineId)
{
    private const int MostJoined = 4096;
    private const int LinesOfLostDevice = 3;

    private string? _last;
    private PciAddress? _lost;
    private int _sinceLost;

    /// <summary>The error that the next line tells of, or null where it tells of none. Any bytes are fine; nothing is thrown.</summary>
    public KernelLogRecord? Decode(ReadOnlySpan<byte> line)
    {
        if (KernelLogFraming.Read(line) is not { } read) return null;
        var text = read.Continues && _last is { } begun && begun.Length + read.Text.Length <= MostJoined ? begun + read.Text : read.Text;
        _last = text;
        var fault = FaultText.Decode(text) ?? LostDevice(text);
        return fault is null ? null : new KernelLogRecord(machineId, fault, read);
    }

    private KernelFault? LostDevice(string text)
    {
        // A message of several lines may come as one.
        if (XidText.NamesLostDevice(text) is { } device)
        {
            _lost = device;
            _sinceLost = 0;
        }
        else if (_lost is not null && ++_sinceLost >= LinesOfLostDevice)
        {
            _lost = null;
        }

        if (_lost is not { } lost || !XidText.EndsLostDevice(text)) return null;
        _lost = null;
        return XidText.LostDevice(lost, text);
    }
}
