using System.Globalization;
using System.Text;

namespace TrainMover.Telemetry.KernelLog;

/// <summary>Records of <c>/dev/kmsg</c>: <c>6,339,5140900,-;message</c>, with dictionary lines below.</summary>
internal static class KmsgRecord
{
    private const int LevelMask = 7;
    private const int MostDigits = 19;

    public static KernelLogLine? Read(string line)
    {
        var rest = line.AsSpan();
        if (!TryTake(ref rest, out var priority) || !TryTake(ref rest, out _) || !TryTake(ref rest, out var microseconds)) return null;
        var end = rest.IndexOf(';');
        if (end < 0) return null;
        var flags = rest[..end];
        var message = rest[(end + 1)..];
        var dictionary = message.IndexOf('\n');
        if (dictionary >= 0) message = message[..dictionary];
        return new KernelLogLine(Unescape(message))
        {
            Level = (int)(priority & LevelMask),
            SinceBoot = microseconds <= TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMicrosecond ? TimeSpan.FromTicks(microseconds * TimeSpan.TicksPerMicrosecond) : null,
            Continues = flags.Contains('+'),
        };
    }

    /// <summary>A line such as <c> DEVICE=+pci:0000:38:00.0</c>, which belongs to the record above it.</summary>
    public static bool IsDictionary(ReadOnlySpan<char> line)
    {
        if (line.Length < 3 || line[0] != ' ') return false;
        var equals = line.IndexOf('=');
        return equals > 1 && line[1..equals].IndexOfAnyExcept(Capitals) < 0;
    }

    private static readonly System.Buffers.SearchValues<char> Capitals = System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

    private static bool TryTake(ref ReadOnlySpan<char> rest, out long number)
    {
        number = 0;
        var comma = rest.IndexOf(',');
        if (comma is < 1 or > MostDigits || !long.TryParse(rest[..comma], NumberStyles.None, CultureInfo.InvariantCulture, out number)) return false;
        rest = rest[(comma + 1)..];
        return true;
    }

    // What cannot be printed is written as \x0a, byte by byte of UTF-8.
    private static string Unescape(ReadOnlySpan<char> message)
    {
        if (!message.Contains(@"\x", StringComparison.Ordinal)) return message.ToString();
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(message.Length)];
        var length = 0;
        while (!message.IsEmpty)
        {
            if (message.StartsWith(@"\x", StringComparison.Ordinal) && message.Length >= 4 && byte.TryParse(message[2..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                bytes[length++] = value;
                message = message[4..];
                continue;
            }

            var next = message[1..].IndexOf(@"\x", StringComparison.Ordinal);
            var plain = next < 0 ? message : message[..(next + 1)];
            length += Encoding.UTF8.GetBytes(plain, bytes.AsSpan(length));
            message = message[plain.Length..];
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }
}
