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
    /// <param name="name">How users write the name of a setting, where it is not its own.</param>
    public string? BrokenRule(Func<string, string>? name = null)
    {
        return this switch
        {
            _ when Window <= TimeSpan.Zero => $"{Name(nameof(Window))} is {Window}; it is positive.",
            _ when Apart < TimeSpan.Zero || Apart >= Window => $"{Name(nameof(Apart))} ({Apart}) lies between zero and {Name(nameof(Window))} ({Window}).",
            _ when Times is < 2 or > 1000 => $"{Name(nameof(Times))} is {Times}; it goes from 2 to 1000.",
            _ => null,
        };

        string Name(string setting) => name?.Invoke(setting) ?? setting;
    }
}
