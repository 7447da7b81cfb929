using TrainMover.Telemetry.Policy;

namespace TrainMover.Detection.Live.Sources;

/// <summary>What can be tuned about error codes: when repetition makes them graver. Which code leads to what is the policy's matter.</summary>
public sealed record ErrorCodeSettings
{
    private static readonly RepeatOptions Default = new();

    /// <summary>Version of the policy; it comes with its file.</summary>
    public string Policy { get; init; } = ErrorCodePolicy.Default.Version;

    /// <summary>Occurrences older than this, counted back from the latest, are forgotten. Default 24 hours.</summary>
    public TimeSpan Window { get; init; } = Default.Window;

    /// <summary>Occurrences that follow one another within this time are one. Default 1 minute; shorter than the window.</summary>
    public TimeSpan Apart { get; init; } = Default.Apart;

    /// <summary>After this many occurrences on one device the tier rises by one, after twice as many by two. Default 3; from 2 to 1000.</summary>
    public int Times { get; init; } = Default.Times;

    /// <summary>Whether codes that are ignored rise, too. Default no.</summary>
    public bool RaisesIgnored { get; init; } = Default.RaisesIgnored;

    /// <summary>Time without a code after which what asked for less than a replacement has recovered. Default 15 minutes; positive.</summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The same as a policy has it.</summary>
    public RepeatOptions Repeat => new() { Window = Window, Apart = Apart, Times = Times, RaisesIgnored = RaisesIgnored };

    /// <summary>The settings with which a policy comes.</summary>
    public static ErrorCodeSettings Of(ErrorCodePolicy policy) => new()
    {
        Policy = policy.Version,
        Window = policy.Repeat.Window,
        Apart = policy.Repeat.Apart,
        Times = policy.Repeat.Times,
        RaisesIgnored = policy.Repeat.RaisesIgnored,
    };

    /// <summary>The first broken rule, or null when the settings agree with each other.</summary>
    public string? BrokenRule() => Repeat.BrokenRule() ?? (Quiet <= TimeSpan.Zero ? $"Quiet is {Quiet}; it is positive." : null);
}
