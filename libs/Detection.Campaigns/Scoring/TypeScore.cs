using TrainMover.Detection.Campaigns.Manifest;

namespace TrainMover.Detection.Campaigns.Scoring;

/// <summary>All runs of a campaign against one type of fault.</summary>
/// <param name="Kind">The type.</param>
/// <param name="Runs">Runs with it.</param>
/// <param name="Found">Faults that were raised in time, with their machines and remedy; for a type that is no fault 0.</param>
/// <param name="FalseAlarms">For a fault: alarms of its cause, in any run, that nothing explains. For what is no fault: whatever is raised in its runs.</param>
/// <param name="MachineDays">Machine-days in which they came: of the whole campaign, or of its runs.</param>
/// <param name="Delays">From the begin of each found fault until it was raised, ascending.</param>
/// <param name="Missed">Numbers of the runs whose fault was not raised.</param>
public sealed record TypeScore(FaultKind Kind, int Runs, int Found, int FalseAlarms, double MachineDays, IReadOnlyList<TimeSpan> Delays, IReadOnlyList<int> Missed)
{
    private const double High = 0.9;

    /// <summary>Part of the faults that were raised.</summary>
    public double? Recall => Kind.IsFault && Runs > 0 ? (double)Found / Runs : null;

    /// <summary>Part of what was raised that is true.</summary>
    public double? Precision => Kind.IsFault && Found + FalseAlarms > 0 ? (double)Found / (Found + FalseAlarms) : null;

    /// <summary>Median delay; null where nothing was found.</summary>
    public TimeSpan? MedianDelay => Delays.Count == 0 ? null : Delays[Delays.Count / 2];

    /// <summary>Delay that one in ten exceeds; null where nothing was found.</summary>
    public TimeSpan? HighDelay => Delays.Count == 0 ? null : Delays[(int)Math.Min(Delays.Count - 1, Math.Ceiling(High * Delays.Count))];
}
