namespace TrainMover.EventLog;

/// <summary>What was done to the log.</summary>
public enum FindingKind
{
    /// <summary>Body or metadata of an event differ from what was recorded.</summary>
    Altered,

    /// <summary>An event that was recorded is gone.</summary>
    Missing,

    /// <summary>An event stands where none was recorded.</summary>
    Inserted,

    /// <summary>Events changed places.</summary>
    Swapped,

    /// <summary>An anchor, in the database or in the file outside, was edited or removed.</summary>
    AnchorMismatch,
}

/// <summary>One sign of tampering.</summary>
/// <param name="Kind">What was done.</param>
/// <param name="Stream">Stream of the event; null for an anchor.</param>
/// <param name="Version">Version of the event in its stream.</param>
/// <param name="Sequence">Sequence number of the event, or the first one under the anchor.</param>
/// <param name="EventId">Identity of the event.</param>
/// <param name="Explanation">One plain sentence.</param>
public sealed record Finding(FindingKind Kind, string? Stream, long? Version, long? Sequence, Guid? EventId, string Explanation);

/// <summary>Events that no anchor covers yet.</summary>
/// <param name="Count">How many.</param>
/// <param name="Age">Age of the oldest.</param>
public sealed record UnanchoredTail(long Count, TimeSpan Age);

/// <summary>Result of a verification.</summary>
/// <param name="EventsChecked">Events whose hash was computed again.</param>
/// <param name="Anchored">Events covered by anchors.</param>
/// <param name="UnanchoredTail">Events not covered yet: of these a deletion of the newest cannot be shown.</param>
/// <param name="OutsideFileChecked">Whether anchors were also compared with the file outside the database.</param>
/// <param name="First">The first finding in order of sequence; null when the log is as it was written.</param>
public sealed record IntegrityReport(long EventsChecked, long Anchored, UnanchoredTail UnanchoredTail, bool OutsideFileChecked, Finding? First)
{
    /// <summary>Whether the log is as it was written.</summary>
    public bool Intact => First is null;
}
