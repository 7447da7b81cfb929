namespace TrainMover.Telemetry.Prometheus;

/// <summary>How an endpoint in the Prometheus format is read.</summary>
/// <param name="Endpoint">Its address: http or https.</param>
public sealed record ScrapeOptions(Uri Endpoint)
{
    /// <summary>Time from one scrape to the next. Default 10 s; longer than <see cref="Timeout"/>.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time within which an answer has to be complete. Default 5 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Greatest length of an answer in bytes, after decompression. Default 4 MiB; from 1 KiB to 64 MiB.</summary>
    public int MostBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Scrapes that fail in a row before the source counts as blind. Default 3; at least 1.</summary>
    public int BlindAfter { get; init; } = 3;

    /// <summary>The first broken rule, or null when the settings agree with each other.</summary>
    public string? BrokenRule() => this switch
    {
        _ when !Endpoint.IsAbsoluteUri || Endpoint.Scheme is not ("http" or "https") => $"The endpoint '{Endpoint}' is no http or https address.",
        _ when Timeout <= TimeSpan.Zero => $"Timeout is {Timeout}; it is positive.",
        _ when Interval <= Timeout => $"Interval ({Interval}) is longer than Timeout ({Timeout}).",
        _ when MostBytes is < 1024 or > 64 * 1024 * 1024 => $"MostBytes is {MostBytes}; it goes from 1024 to 67108864.",
        _ when BlindAfter < 1 => $"BlindAfter is {BlindAfter}; it is at least 1.",
        _ => null,
    };
}

/// <summary>Why a scrape brought nothing.</summary>
public enum ScrapeFailure
{
    /// <summary>Nobody answers at the address.</summary>
    Unreachable,

    /// <summary>The answer was not complete in time.</summary>
    TimedOut,

    /// <summary>The answer is longer than allowed.</summary>
    TooLarge,

    /// <summary>The answer is no success.</summary>
    Refused,

    /// <summary>The answer holds not a single sample.</summary>
    NoMetrics,
}

/// <summary>A scrape brought nothing.</summary>
/// <param name="failure">Why.</param>
/// <param name="message">Why, in words.</param>
public sealed class ScrapeException(ScrapeFailure failure, string message) : Exception(message)
{
    /// <summary>Why.</summary>
    public ScrapeFailure Failure { get; } = failure;
}
