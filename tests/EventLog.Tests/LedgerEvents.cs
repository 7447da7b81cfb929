namespace TrainMover.EventLog.Tests;

public enum Mood
{
    VeryCalm,
    Hasty,
}

public sealed record Opened(string Name, Mood Mood, double Ratio, IReadOnlyDictionary<string, double> Scores);

public sealed record Noted(string Text, int Number);

public sealed record Closed(DateTimeOffset At);

internal static class LedgerEvents
{
    public const string Opened = "trainmover.test.opened.v1";
    public const string Noted = "trainmover.test.noted.v1";
    public const string Closed = "trainmover.test.closed.v1";

    public static Dictionary<string, Type> All { get; } = new(StringComparer.Ordinal)
    {
        [Opened] = typeof(Opened),
        [Noted] = typeof(Noted),
        [Closed] = typeof(Closed),
    };

    public static Opened Open(string name = "first") =>
        new(name, Mood.VeryCalm, 1e-7, new Dictionary<string, double>(StringComparer.Ordinal) { ["zeta"] = 1e21, ["alpha"] = -0.0, ["é\"<&"] = 100 });
}
