using TrainMover.Contracts.DeadLetters;

namespace TrainMover.Messaging;

/// <summary>What came of reading a body: an envelope, or the reason why it has none.</summary>
public abstract record Reading
{
    private Reading()
    {
    }

    /// <summary>The body is a message of the catalogue.</summary>
    /// <param name="Envelope">What it says.</param>
    public sealed record Readable(Envelope Envelope) : Reading;

    /// <summary>The body is none.</summary>
    /// <param name="Reason">Which check it failed.</param>
    /// <param name="Detail">What exactly was wrong, in one plain sentence.</param>
    public sealed record Unreadable(DeadLetterReason Reason, string Detail) : Reading;
}
