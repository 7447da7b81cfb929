namespace TrainMover.Cli.Bench.Detect;

/// <summary>Durations for people.</summary>
internal static class Durations
{
    public static string Text(TimeSpan duration) => duration switch
    {
        { TotalSeconds: < 1 } and { Ticks: > 0 } => $"{duration.TotalMilliseconds:0} ms",
        { TotalMinutes: < 2 } => $"{duration.TotalSeconds:0.#} s",
        { TotalHours: < 3 } => $"{duration.TotalMinutes:0.#} min",
        _ => $"{duration.TotalHours:0.#} h",
    };
}
