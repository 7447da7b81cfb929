using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using TrainMover.Contracts;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Messaging;

/// <summary>
/// Reads the one message that comes by the ten thousand each second, metrics of devices, in one pass and without anything in between. It takes only what is beyond doubt: for all
/// else it gives null, and <see cref="EnvelopeFormat"/> reads the message, or says what is wrong with it.
/// </summary>
internal static class MetricsFormat
{
    private static readonly string Type = Catalog.Of(typeof(DeviceMetricsTaken)).Name;
    private static readonly byte[] TypeUtf8 = Encoding.UTF8.GetBytes(Type);

    private static readonly SearchValues<char> PlainCharacters = SearchValues.Create("/-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // What stands for itself in a JSON string: from the space on, without quotation mark and backslash.
    private static readonly SearchValues<byte> UnescapedAscii = SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(code => (byte)code).Where(code => code is not ((byte)'"' or (byte)'\\'))]);

    [ThreadStatic]
    private static DeviceMetric[]? _scratch;

    public static Envelope? Read(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body);
        try
        {
            return ReadEnvelope(ref reader, body);
        }
        catch (Exception doubt) when (doubt is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static Envelope? ReadEnvelope(ref Utf8JsonReader reader, ReadOnlySpan<byte> body)
    {
        string? id = null, source = null, subject = null;
        DateTimeOffset? time = null;
        DeviceMetricsTaken? data = null;
        var (isVersioned, isTyped, isJson, isAtEnd) = (false, false, false, false);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
        while (!isAtEnd && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            if (name.SequenceEqual("data"u8))
            {
                if (data is not null || !isTyped || !reader.Read()) return null;
                data = ReadData(ref reader, body, out isAtEnd);
                if (data is null) return null;
                continue;
            }

            var isKnown = reader switch
            {
                _ when name.SequenceEqual("specversion"u8) => !isVersioned && Text(ref reader) && (isVersioned = reader.ValueSpan.SequenceEqual("1.0"u8)),
                _ when name.SequenceEqual("type"u8) => !isTyped && Text(ref reader) && (isTyped = reader.ValueSpan.SequenceEqual(TypeUtf8)),
                _ when name.SequenceEqual("id"u8) => id is null && Text(ref reader) && (id = reader.GetString()!).Length > 0,
                _ when name.SequenceEqual("source"u8) => source is null && Text(ref reader) && (source = Utf8Names.Of(ref reader)).Length > 0,
                _ when name.SequenceEqual("subject"u8) => subject is null && Text(ref reader) && (subject = Utf8Names.Of(ref reader)).Length > 0,
                _ when name.SequenceEqual("datacontenttype"u8) => !isJson && Text(ref reader) && (isJson = reader.ValueSpan.SequenceEqual("application/json"u8)),
                _ when name.SequenceEqual("time"u8) => time is null && Text(ref reader) && Time(ref reader, ref time),
                _ => false,
            };
            if (!isKnown) return null;
        }

        if (!isAtEnd && (reader.TokenType != JsonTokenType.EndObject || reader.Read())) return null;
        return isVersioned && isTyped && id is not null && source is not null && data is not null && IsPlain(source)
            ? new Envelope(id, source, Type, data) { Subject = subject, Time = time }
            : null;
    }

    private static DeviceMetricsTaken? ReadData(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, out bool isAtEnd)
    {
        isAtEnd = false;
        string? machine = null;
        DateTimeOffset? takenAt = null;
        DeviceMetric[]? metrics = null;
        if (reader.TokenType != JsonTokenType.StartObject) return null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            var isKnown = reader switch
            {
                _ when name.SequenceEqual("machineId"u8) => machine is null && Text(ref reader) && (machine = Utf8Names.Of(ref reader)) is not null,
                _ when name.SequenceEqual("takenAt"u8) => takenAt is null && Text(ref reader) && Time(ref reader, ref takenAt),
                _ when name.SequenceEqual("metrics"u8) => metrics is null && ((isAtEnd = (metrics = ReadTail(body[(int)reader.BytesConsumed..])) is not null) || (metrics = ReadMetrics(ref reader)) is not null),
                _ => false,
            };
            if (!isKnown) return null;
            if (isAtEnd) break;
        }

        return (isAtEnd || reader.TokenType == JsonTokenType.EndObject) && machine is not null && takenAt is { } at && metrics is not null ? new DeviceMetricsTaken(machine, at, metrics) : null;
    }

    /// <summary>
    /// The rest of a message as agents write it: metrics, without white space or escapes, and then the end. Null for anything else, which the reader reads; it is the same to it.
    /// </summary>
    private static DeviceMetric[]? ReadTail(ReadOnlySpan<byte> rest)
    {
        var count = 0;
        string? device = null;
        for (var next = "["u8; Skip(ref rest, next) && Skip(ref rest, "{\"device\":\""u8); next = ","u8)
        {
            ref var metric = ref Scratch(count++);
            if ((device = TakeName(ref rest, device)) is null || !Skip(ref rest, "\",\"metric\":\""u8) || TakeName(ref rest, metric.Metric) is not { } name
                || !Skip(ref rest, "\",\"value\":"u8) || !TakeNumber(ref rest, out var value) || !Skip(ref rest, "}"u8)) return null;
            metric = new DeviceMetric(device, name, value);
            if (rest.SequenceEqual("]}}"u8)) return _scratch.AsSpan(0, count).ToArray();
        }

        return null;
    }

    private static bool Skip(ref ReadOnlySpan<byte> rest, ReadOnlySpan<byte> text)
    {
        if (!rest.StartsWith(text)) return false;
        rest = rest[text.Length..];
        return true;
    }

    private static string? TakeName(ref ReadOnlySpan<byte> rest, string? likely)
    {
        var length = rest.IndexOfAnyExcept(UnescapedAscii);
        if (length < 0 || rest[length] != '"') return null;
        var name = rest[..length];
        rest = rest[length..];
        return Utf8Names.Of(name, likely);
    }

    // Digits, and digits behind a point: whatever else is a number, the reader knows.
    private static bool TakeNumber(ref ReadOnlySpan<byte> rest, out double number)
    {
        var length = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        number = 0;
        if (length < 1 || (length > 1 && rest[0] == '0')) return false;
        if (rest[length] == '.')
        {
            var fraction = rest[(length + 1)..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            if (fraction < 1) return false;
            length += 1 + fraction;
        }

        var text = rest[..length];
        rest = rest[length..];
        return IsWhole(text, out number) || (Utf8Parser.TryParse(text, out number, out var read) && read == length && double.IsFinite(number));
    }

    private static ref DeviceMetric Scratch(int index)
    {
        if (_scratch is null || index == _scratch.Length) Array.Resize(ref _scratch, Math.Max(64, index * 2));
        return ref _scratch[index];
    }

    private static DeviceMetric[]? ReadMetrics(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) return null;
        var count = 0;
        string? device = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            if (!ReadMetric(ref reader, ref device, ref Scratch(count++))) return null;
        }

        return reader.TokenType == JsonTokenType.EndArray ? _scratch.AsSpan(0, count).ToArray() : null;
    }

    // Metrics of a device follow each other, and a message mostly has those of the one before, in whose place it is read: these names are compared first.
    private static bool ReadMetric(ref Utf8JsonReader reader, ref string? before, ref DeviceMetric read)
    {
        string? device = null, metric = null;
        double? value = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            var isKnown = reader switch
            {
                _ when name.SequenceEqual("device"u8) => device is null && Text(ref reader) && (device = Name(ref reader, before)) is not null,
                _ when name.SequenceEqual("metric"u8) => metric is null && Text(ref reader) && (metric = Name(ref reader, read.Metric)) is not null,
                _ when name.SequenceEqual("value"u8) => value is null && Number(ref reader, ref value),
                _ => false,
            };
            if (!isKnown) return false;
        }

        if (reader.TokenType != JsonTokenType.EndObject || device is null || metric is null || value is not { } number) return false;
        before = device;
        read = new DeviceMetric(device, metric, number);
        return true;
    }

    private static string Name(ref Utf8JsonReader reader, string? likely) => reader.ValueIsEscaped ? Utf8Names.Of(ref reader) : Utf8Names.Of(reader.ValueSpan, likely);

    // A path of such characters is a URI reference; whether anything else is one, others decide.
    private static bool IsPlain(string source) => source[0] == '/' && !source.AsSpan().ContainsAnyExcept(PlainCharacters);

    private static bool Text(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.String;

    private static bool Number(ref Utf8JsonReader reader, ref double? value)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.Number) return false;
        if (IsWhole(reader.ValueSpan, out var number) || (reader.TryGetDouble(out number) && double.IsFinite(number)))
        {
            value = number;
            return true;
        }

        return false;
    }

    // Most values are small whole numbers, and every whole number of so many digits is a double.
    private static bool IsWhole(ReadOnlySpan<byte> text, out double number)
    {
        const int ExactDigits = 15;
        (number, var whole) = (0, 0L);
        if (text.Length > ExactDigits) return false;
        foreach (var digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            whole = (whole * 10) + (digit - '0');
        }

        number = whole;
        return true;
    }

    // Whole time stamps with a zone only: 2026-03-01T13:00:00Z.
    private static bool Time(ref Utf8JsonReader reader, ref DateTimeOffset? value)
    {
        var text = reader.ValueSpan;
        if (text.Length < 20 || text[10] != 'T' || (text[^1] != 'Z' && text[^6] is not ((byte)'+' or (byte)'-')) || !reader.TryGetDateTimeOffset(out var time)) return false;
        value = time;
        return true;
    }
}
