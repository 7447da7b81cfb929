using System.Globalization;
using System.Text;
using System.Text.Json;

namespace TrainMover.Telemetry.KernelLog;

/// <summary>Entries of <c>journalctl --output=json</c>.</summary>
internal static class JournalEntry
{
    private static readonly JsonReaderOptions Lenient = new() { MaxDepth = 4 };

    /// <summary>The kernel's message of an entry; null where another process wrote it, or where the line is no entry.</summary>
    public static KernelLogLine? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return ReadObject(json);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static KernelLogLine? ReadObject(ReadOnlySpan<byte> json)
    {
        // Cut off lines are common at the end of a file; they are told without an exception.
        if (json.TrimEnd(" \r\n\t"u8) is not [.., (byte)'}']) return null;
        var reader = new Utf8JsonReader(json, Lenient);
        string? message = null, transport = null, host = null, realtime = null, monotonic = null, priority = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("MESSAGE"u8)) message = Value(ref reader);
            else if (reader.ValueTextEquals("_TRANSPORT"u8)) transport = Value(ref reader);
            else if (reader.ValueTextEquals("_HOSTNAME"u8)) host = Value(ref reader);
            else if (reader.ValueTextEquals("__REALTIME_TIMESTAMP"u8)) realtime = Value(ref reader);
            else if (reader.ValueTextEquals("__MONOTONIC_TIMESTAMP"u8)) monotonic = Value(ref reader);
            else if (reader.ValueTextEquals("PRIORITY"u8)) priority = Value(ref reader);
            else if (!reader.Read() || !reader.TrySkip()) return null;
        }

        if (message is null || transport is not (null or "kernel")) return null;
        return new KernelLogLine(message)
        {
            Host = host,
            Time = Microseconds(realtime) is { } since1970 && since1970 < (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond
                ? DateTimeOffset.UnixEpoch.AddTicks(since1970 * TimeSpan.TicksPerMicrosecond)
                : null,
            SinceBoot = Microseconds(monotonic) is { } sinceBoot && sinceBoot < TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMicrosecond
                ? TimeSpan.FromTicks(sinceBoot * TimeSpan.TicksPerMicrosecond)
                : null,
            Level = priority is [>= '0' and <= '7'] ? priority[0] - '0' : null,
        };
    }

    // A value is a string; a list of bytes where it cannot be printed; a list of strings where a field came several times, of which the first counts.
    private static string? Value(ref Utf8JsonReader reader)
    {
        if (!reader.Read()) return null;
        if (reader.TokenType == JsonTokenType.String) return reader.GetString();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.TrySkip();
            return null;
        }

        string? first = null;
        var bytes = new List<byte>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetByte(out var value)) bytes.Add(value);
            else if (reader.TokenType == JsonTokenType.String) first ??= reader.GetString();
            else reader.TrySkip();
        }

        return first ?? Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static long? Microseconds(string? digits) => long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
