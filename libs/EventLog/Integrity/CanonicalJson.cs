using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace TrainMover.EventLog;

/// <summary>
/// One text for one JSON value, in the manner of RFC 8785: members sorted by UTF-16 code units, no white space. Numbers are reduced as decimal text
/// (never as doubles), so that a body hashes the same before and after <c>jsonb</c>, which rewrites 1e2 as 100 and keeps 1.0.
/// </summary>
internal static class CanonicalJson
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static byte[] Of(JsonElement value)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Plain))
            Write(writer, value);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Significant digits without zeros at either end, and a power of ten: <c>-12.50</c> is <c>-125e-1</c>; every zero is <c>0</c>.</summary>
    public static string Number(ReadOnlySpan<char> text)
    {
        var negative = text[0] == '-';
        if (negative)
            text = text[1..];
        var exponent = 0L;
        var mark = text.IndexOfAny('e', 'E');
        if (mark >= 0)
        {
            exponent = long.Parse(text[(mark + 1)..]);
            text = text[..mark];
        }

        var point = text.IndexOf('.');
        var digits = point < 0 ? text.ToString() : string.Concat(text[..point], text[(point + 1)..]);
        if (point >= 0)
            exponent -= text.Length - point - 1;
        var significant = digits.TrimEnd('0');
        exponent += digits.Length - significant.Length;
        significant = significant.TrimStart('0');
        if (significant.Length == 0)
            return "0";
        return $"{(negative ? "-" : "")}{significant}{(exponent == 0 ? "" : $"e{exponent}")}";
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                // jsonb keeps the last of several members of one name; so does this.
                var members = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
                foreach (var member in value.EnumerateObject())
                    members[member.Name] = member.Value;
                foreach (var (name, member) in members)
                {
                    writer.WritePropertyName(name);
                    Write(writer, member);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValueKind.Number:
                writer.WriteRawValue(Number(value.GetRawText()), skipInputValidation: true);
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
