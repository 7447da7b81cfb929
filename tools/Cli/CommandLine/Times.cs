using System.Globalization;
using System.Text.RegularExpressions;

namespace TrainMover.Cli.CommandLine;

/// <summary>Reads points in time as people write them.</summary>
internal static partial class Times
{
    /// <summary>An ISO 8601 time (UTC unless it says otherwise), or a span before now such as <c>90s</c>, <c>10m</c>, <c>2h</c>.</summary>
    public static DateTimeOffset Parse(string text, string option, TimeProvider clock)
    {
        if (Span().Match(text) is { Success: true } span)
        {
            var amount = double.Parse(span.Groups["amount"].Value, CultureInfo.InvariantCulture);
            return clock.GetUtcNow() - (span.Groups["unit"].Value switch
            {
                "s" => TimeSpan.FromSeconds(amount),
                "m" => TimeSpan.FromMinutes(amount),
                _ => TimeSpan.FromHours(amount),
            });
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new BadInputException($"{option} {text} is no time: write 2026-01-31T12:00:00Z, or 90s, 10m, 2h before now.");
    }

    [GeneratedRegex("^(?<amount>[0-9]{1,6}(\\.[0-9]{1,3})?)(?<unit>[smh])$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Span();
}
