using TrainMover.Domain.Detection;

namespace TrainMover.Detection.Live.Learned;

/// <summary>What follows from metrics that a learned model judged.</summary>
public abstract record LearnedOutcome
{
    private LearnedOutcome()
    {
    }

    /// <summary>They are not normal.</summary>
    /// <param name="Finding">What the log is told.</param>
    public sealed record Found(Finding Finding) : LearnedOutcome;

    /// <summary>They are normal again.</summary>
    /// <param name="Recovery">What the log is told.</param>
    public sealed record Over(Recovery Recovery) : LearnedOutcome;

    /// <summary>They are not judged, and why; told once until it changes.</summary>
    /// <param name="Reason">One plain sentence.</param>
    public sealed record Noted(string Reason) : LearnedOutcome;
}
