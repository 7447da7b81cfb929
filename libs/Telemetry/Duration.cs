using System.Globalization;

namespace TrainMover.Telemetry;

/// <summary>Durations as people write them in settings, policies and options: <c>250ms</c>, <c>90s</c>, <c>1.5h</c>, <c>7d</c>, <c>00:01:30</c>.</summary>
public static class Duration
{
    /// <summary>What one looks like, for messages.</summary>
    public const string Shape = "a duration such as 250ms, 90s, 15m, 24h or 7d";

    private const double MostDays = 100_000;

    private static readonly (string Unit, TimeSpan Length)[] Units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)), ("d", TimeSpan.FromDays(1)), ("h", TimeSpan.FromHours(1)), ("m", TimeSpan.FromMinutes(1)), ("s", TimeSpan.FromSeconds(1)),
    ];

    /// <summary>Reads a number with a unit, or hours, minutes and seconds with colons; null where it is neither, or longer than 100,000 days. May be negative.</summary>
    public static TimeSpan? Parse(string text)
    {
        foreach (var (unit, length) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal)) continue;
            const NumberStyles Plain = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
            return double.TryParse(text.AsSpan(0, text.Length - unit.Length), Plain, CultureInfo.InvariantCulture, out var number) && Math.Abs(number * length.TotalDays) < MostDays ? number * length : null;
        }

        // A bare number would be days.
        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var duration) && Math.Abs(duration.TotalDays) < MostDays ? duration : null;
    }

    /// <summary>Writes it in its largest whole unit.</summary>
    public static string Write(TimeSpan duration)
    {
        var (unit, length) = duration switch
        {
            _ when duration == TimeSpan.Zero => Units[4],
            _ when duration.Ticks % TimeSpan.TicksPerDay == 0 => Units[1],
            _ when duration.Ticks % TimeSpan.TicksPerHour == 0 => Units[2],
            _ when duration.Ticks % TimeSpan.TicksPerMinute == 0 => Units[3],
            _ when duration.Duration() < TimeSpan.FromSeconds(1) => Units[0],
            _ => Units[4],
        };
        return $"{(duration / length).ToString("0.#######", CultureInfo.InvariantCulture)}{unit}";
    }
}
