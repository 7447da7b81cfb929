using System.Globalization;
using TrainMover.Telemetry;

namespace TrainMover.Detection.Live.Tuning;

/// <summary>Values of settings as text and back: numbers, yes and no, and durations such as <c>250ms</c>, <c>1.5s</c>, <c>24h</c>.</summary>
internal static class SettingText
{
    public static bool Knows(Type type) => type == typeof(int) || type == typeof(double) || type == typeof(bool) || type == typeof(string) || type == typeof(TimeSpan);

    public static string Write(object value) => value switch
    {
        TimeSpan duration => Duration.Write(duration),
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
        _ => Duration.Parse(text),
    };

    /// <summary>What a text of a type looks like.</summary>
    public static string Shape(Type type) => type switch
    {
        _ when type == typeof(int) => "a whole number",
        _ when type == typeof(double) => "a number",
        _ when type == typeof(bool) => "true or false",
        _ => Duration.Shape,
    };
}
