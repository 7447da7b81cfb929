namespace TrainMover.Telemetry.KernelLog;

/// <summary>One message of the kernel, taken out of whatever the log puts around it.</summary>
/// <param name="Text">The message.</param>
public sealed record KernelLogLine(string Text)
{
    /// <summary>When it was printed, where the log says so as a date; a date without zone counts as UTC.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>When it was printed, from the start of the kernel, where the log says so.</summary>
    public TimeSpan? SinceBoot { get; init; }

    /// <summary>Level from 0 (emergency) to 7 (debug), where the log says so.</summary>
    public int? Level { get; init; }

    /// <summary>Name of the host, where the log says so.</summary>
    public string? Host { get; init; }

    /// <summary>The message goes on where the one before it in the same log ended (<c>/dev/kmsg</c>).</summary>
    public bool Continues { get; init; }
}
