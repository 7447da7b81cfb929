namespace TrainMover.Collectives;

/// <summary>
/// A group could not be made or prepared in time, or what was prepared is lost: a member of the new topology is unreachable, went away, or gave up.
/// The group that is running is not harmed by it.
/// </summary>
/// <param name="message">What was waited for, or what was lost.</param>
/// <param name="machine">The machine that it hangs on, where one is known.</param>
/// <param name="inner">What the system reported, where it did.</param>
public sealed class GroupSetupException(string message, string? machine = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The machine that it hangs on, where one is known.</summary>
    public string? Machine { get; } = machine;
}
