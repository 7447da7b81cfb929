using System.Globalization;
using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Prometheus;

/// <summary>What a text in the Prometheus exposition format holds.</summary>
/// <param name="Samples">Its samples, in its order.</param>
/// <param name="Malformed">Lines that are no samples and no comments; they are left out.</param>
/// <param name="FirstMalformed">Number of the first of them, from 1; 0 where there is none.</param>
public sealed record PrometheusScrape(IReadOnlyList<MetricSample> Samples, int Malformed, int FirstMalformed);

/// <summary>
/// Reads the Prometheus text exposition format (0.0.4, and of OpenMetrics what it shares with it: comments, labels with escapes, time stamps, <c>NaN</c> and
/// <c>±Inf</c>, exemplars skipped).
/// </summary>
public static class PrometheusText
{
    private const int MostLabels = 64;
    private const double SecondsLimit = 1e11;

    /// <summary>Reads a text. A line that cannot be read is counted and left out; nothing is thrown.</summary>
    public static PrometheusScrape Parse(ReadOnlySpan<char> text)
    {
        var samples = new List<MetricSample>();
        var malformed = 0;
        var first = 0;
        var number = 0;
        foreach (var range in text.Split('\n'))
        {
            number++;
            var line = text[range].Trim();
            if (line.IsEmpty || line[0] == '#') continue;
            if (ParseLine(line) is { } sample) samples.Add(sample);
            else if (malformed++ == 0) first = number;
        }

        return new PrometheusScrape(samples, malformed, first);
    }

    /// <summary>Reads one line; null where it is no sample.</summary>
    public static MetricSample? ParseLine(ReadOnlySpan<char> line)
    {
        line = line.Trim();
        var end = NameLength(line, colons: true);
        if (end == 0) return null;
        var name = line[..end].ToString();
        var rest = line[end..].TrimStart();
        var labels = Labels(ref rest);
        if (labels is null) return null;
        var blank = rest.IndexOfAny(' ', '\t');
        var value = blank < 0 ? rest : rest[..blank];
        rest = blank < 0 ? default : rest[(blank + 1)..].Trim();
        if (!TryValue(value, out var read) || !TryTime(rest, out var time)) return null;
        return new MetricSample(name, labels, read, time);
    }

    private static Dictionary<string, string>? Labels(ref ReadOnlySpan<char> rest)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!rest.StartsWith('{')) return labels;
        rest = rest[1..].TrimStart();
        while (!rest.StartsWith('}'))
        {
            var end = NameLength(rest, colons: false);
            if (end == 0 || labels.Count == MostLabels) return null;
            var name = rest[..end].ToString();
            rest = rest[end..].TrimStart();
            if (!rest.StartsWith('=')) return null;
            rest = rest[1..].TrimStart();
            if (Quoted(ref rest) is not { } value || !labels.TryAdd(name, value)) return null;
            rest = rest.TrimStart();
            if (rest.StartsWith(',')) rest = rest[1..].TrimStart();
            else if (!rest.StartsWith('}')) return null;
        }

        rest = rest[1..].TrimStart();
        return labels;
    }

    // Within quotation marks a backslash comes before n, itself and the quotation mark; before anything else it stands for itself.
    private static string? Quoted(ref ReadOnlySpan<char> rest)
    {
        if (!rest.StartsWith('"')) return null;
        rest = rest[1..];
        var end = rest.IndexOfAny('"', '\\');
        if (end < 0) return null;
        if (rest[end] == '"')
        {
            var plain = rest[..end].ToString();
            rest = rest[(end + 1)..];
            return plain;
        }

        var value = new System.Text.StringBuilder();
        for (var i = 0; i < rest.Length; i++)
        {
            if (rest[i] == '"')
            {
                rest = rest[(i + 1)..];
                return value.ToString();
            }

            if (rest[i] != '\\' || i + 1 == rest.Length)
            {
                value.Append(rest[i]);
                continue;
            }

            i++;
            if (rest[i] is not ('n' or '\\' or '"')) value.Append('\\');
            value.Append(rest[i] == 'n' ? '\n' : rest[i]);
        }

        return null;
    }

    private static int NameLength(ReadOnlySpan<char> text, bool colons)
    {
        var length = 0;
        while (length < text.Length && (char.IsAsciiLetter(text[length]) || text[length] == '_' || (colons && text[length] == ':') || (length > 0 && char.IsAsciiDigit(text[length])))) length++;
        return length;
    }

    private static bool TryValue(ReadOnlySpan<char> text, out double value)
    {
        var digits = text.TrimStart("+-");
        if (text.Length - digits.Length > 1) return Fail(out value);
        if (digits.Equals("Inf", StringComparison.OrdinalIgnoreCase) || digits.Equals("Infinity", StringComparison.OrdinalIgnoreCase))
        {
            value = text.StartsWith('-') ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }

        if (text.Equals("NaN", StringComparison.OrdinalIgnoreCase))
        {
            value = double.NaN;
            return true;
        }

        return digits.IsEmpty || (!char.IsAsciiDigit(digits[0]) && digits[0] != '.')
            ? Fail(out value)
            : double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value);
    }

    private static bool Fail(out double value)
    {
        value = 0;
        return false;
    }

    // Milliseconds, or seconds with OpenMetrics; an exemplar may follow behind "#".
    private static bool TryTime(ReadOnlySpan<char> text, out DateTimeOffset? time)
    {
        time = null;
        if (text.IndexOf('#') is >= 0 and var exemplar) text = text[..exemplar].TrimEnd();
        if (text.IsEmpty) return true;
        if (!TryValue(text, out var number) || !double.IsFinite(number)) return false;
        var isSeconds = text.Contains('.') || Math.Abs(number) < SecondsLimit / 10;
        var ticks = number * (isSeconds ? TimeSpan.TicksPerSecond : TimeSpan.TicksPerMillisecond);
        if (ticks < 0 || ticks > (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / 2) return false;
        time = DateTimeOffset.UnixEpoch.AddTicks((long)ticks);
        return true;
    }
}
