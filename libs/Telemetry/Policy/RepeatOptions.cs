namespace TrainMover.Telemetry.Policy;

/// <summary>When the repetition of an error makes it graver.</summary>
public sealed record RepeatOptions
{
    /// <summary>Occurrences older than this, counted back from the latest, are forgotten. Default 24 hours.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Occurrences that follow one another within this time are one: drivers print bursts. Default 1 minute; shorter than the window.</summary>
    public TimeSpan Apart { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>After this many occurrences on one device the tier rises by one, after twice as many by two. Default 3; from 2 to 1000.</summary>
    public int Times { get; init; } = 3;

    /// <summary>Whether codes that are ignored rise, too. Default no.</summary>
    public bool RaisesIgnored { get; init; }

    /// <summary>The first broken rule, or null when the settings agree with each other.</summary>
    public string? BrokenRule() => this switch
    {
        _ when Window <= TimeSpan.Zero => $"repeat.window is {Window}; it is positive.",
        _ when Apart < TimeSpan.Zero || Apart >= Window => $"repeat.apart ({Apart}) lies between zero and repeat.window ({Window}).",
        _ when Times is < 2 or > 1000 => $"repeat.times is {Times}; it goes from 2 to 1000.",
        _ => null,
    };
}
