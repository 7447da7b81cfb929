using System.Globalization;
using TrainMover.Telemetry;

namespace TrainMover.Cli.CommandLine;

/// <summary>Reads points in time as people write them.</summary>
internal static class Times
{
    /// <summary>An ISO 8601 time (UTC unless it says otherwise), or a span before now such as <c>90s</c>, <c>10m</c>, <c>2h</c>.</summary>
    public static DateTimeOffset Parse(string text, string option, TimeProvider clock)
    {
        // "10:00" is a time of day here, and no span.
        if (!text.Contains(':', StringComparison.Ordinal) && Duration.Parse(text) is { } span && span >= TimeSpan.Zero) return clock.GetUtcNow() - span;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new BadInputException($"{option} {text} is no time: write 2026-01-31T12:00:00Z, or 90s, 10m, 2h before now.");
    }
}
