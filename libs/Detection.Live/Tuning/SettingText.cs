using System.Globalization;

namespace TrainMover.Detection.Live.Tuning;

/// <summary>Values of settings as text and back: numbers, yes and no, and durations such as <c>250ms</c>, <c>1.5s</c>, <c>24h</c>.</summary>
internal static class SettingText
{
    private static readonly (string Unit, TimeSpan Length)[] Units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)), ("d", TimeSpan.FromDays(1)), ("h", TimeSpan.FromHours(1)), ("m", TimeSpan.FromMinutes(1)), ("s", TimeSpan.FromSeconds(1)),
    ];

    public static bool Knows(Type type) => type == typeof(int) || type == typeof(double) || type == typeof(bool) || type == typeof(string) || type == typeof(TimeSpan);

    public static string Write(object value) => value switch
    {
        TimeSpan duration => Write(duration),
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>The value; null where the text is none of its type.</summary>
    public static object? Read(Type type, string text) => type switch
    {
        _ when type == typeof(string) => text,
        _ when type == typeof(int) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : null,
        _ when type == typeof(double) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null,
        _ when type == typeof(bool) => bool.TryParse(text, out var flag) ? flag : null,
        _ => Duration(text),
    };

    /// <summary>What a text of a type looks like.</summary>
    public static string Shape(Type type) => type switch
    {
        _ when type == typeof(int) => "a whole number",
        _ when type == typeof(double) => "a number",
        _ when type == typeof(bool) => "true or false",
        _ => "a duration such as 250ms, 90s, 15m, 24h or 7d",
    };

    private static string Write(TimeSpan duration)
    {
        var (unit, length) = duration switch
        {
            _ when duration.Ticks % TimeSpan.TicksPerDay == 0 && duration != TimeSpan.Zero => Units[1],
            _ when duration.Ticks % TimeSpan.TicksPerHour == 0 && duration != TimeSpan.Zero => Units[2],
            _ when duration.Ticks % TimeSpan.TicksPerMinute == 0 && duration != TimeSpan.Zero => Units[3],
            _ when duration.Duration() < TimeSpan.FromSeconds(1) && duration != TimeSpan.Zero => Units[0],
            _ => Units[4],
        };
        return $"{(duration / length).ToString("0.#######", CultureInfo.InvariantCulture)}{unit}";
    }

    private static object? Duration(string text)
    {
        foreach (var (unit, length) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal)) continue;
            return double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && Math.Abs(number * length.TotalDays) < 100_000 ? number * length : null;
        }

        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var duration) ? duration : null;
    }
}
