using System.Text;

namespace TrainMover.Telemetry.KernelLog;

/// <summary>
/// Takes the message out of a line of a kernel log: <c>dmesg</c> in any of its time formats, with or without facility and level, raw or from <c>pstore</c>; syslog;
/// a record of <c>/dev/kmsg</c>; an entry of journald's JSON export. Each line says by itself which of these it is.
/// </summary>
public static class KernelLogFraming
{
    /// <summary>
    /// The message, or null where the line carries none of the kernel: blank, a dictionary line of a record, or something that another process said. Any bytes are
    /// fine; nothing is thrown.
    /// </summary>
    /// <param name="line">One line, without its end, in UTF-8; what is no UTF-8 becomes U+FFFD. A record of <c>/dev/kmsg</c> may hold its dictionary lines.</param>
    public static KernelLogLine? Read(ReadOnlySpan<byte> line)
    {
        if (line.Trim((byte)' ') is { IsEmpty: false } content && content[0] == (byte)'{') return JournalEntry.Read(content);
        var text = Encoding.UTF8.GetString(line);
        return Read(text);
    }

    internal static KernelLogLine? Read(string text) => text.StartsWith('{') ? JournalEntry.Read(Encoding.UTF8.GetBytes(text)) : KmsgRecord.Read(text) ?? TextLine.Read(text);
}
