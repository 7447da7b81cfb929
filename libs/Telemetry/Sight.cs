namespace TrainMover.Telemetry;

/// <summary>A source changed between seeing and blind.</summary>
/// <param name="IsBlind">It sees nothing any more.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
public sealed record SightChange(bool IsBlind, string Reason);

/// <summary>
/// Whether a source still sees its machine. A source that has not seen anything says "blind", and not "healthy"; it says so once, and once when it sees again.
/// Not safe for use by several threads at once.
/// </summary>
/// <param name="blindAfter">Failures in a row before it counts as blind; at least 1.</param>
public sealed class Sight(int blindAfter)
{
    private int _failures;

    /// <summary>Whether it is blind.</summary>
    public bool IsBlind { get; private set; }

    /// <summary>It saw something; the change to tell, if that is one.</summary>
    public SightChange? Saw()
    {
        _failures = 0;
        if (!IsBlind) return null;
        IsBlind = false;
        return new SightChange(IsBlind: false, "The source is seen again.");
    }

    /// <summary>It saw nothing; the change to tell, if that is one.</summary>
    /// <param name="reason">Why, in one plain sentence.</param>
    public SightChange? Missed(string reason)
    {
        if (++_failures < blindAfter || IsBlind) return null;
        IsBlind = true;
        return new SightChange(IsBlind: true, reason);
    }
}
