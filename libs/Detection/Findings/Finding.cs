namespace TrainMover.Detection.Findings;

/// <summary>What a detector concluded, with what an operator needs to believe it.</summary>
/// <param name="Detector">Name of the detector, e.g. <c>peer-slowdown</c>.</param>
/// <param name="Kind">What is wrong.</param>
/// <param name="Subject">What it is wrong with: a worker, a machine, a series, or the job.</param>
/// <param name="At">Position in the window's own count (iteration, sample or step) at which it was concluded.</param>
/// <param name="Reason">One sentence for people.</param>
/// <param name="Evidence">What the conclusion rests on.</param>
/// <param name="AsksForMigration">Whether replacing the subject's machine is the remedy.</param>
public sealed record Finding(
    string Detector, FindingKind Kind, string Subject, long At, string Reason, FindingEvidence Evidence, bool AsksForMigration);

/// <summary>What is wrong.</summary>
public enum FindingKind
{
    /// <summary>One worker is slower than its peers on the same work.</summary>
    SlowWorker,

    /// <summary>One pipeline stage has more work than the others: a matter of partitioning, not a fault.</summary>
    UnevenStages,

    /// <summary>The work itself differs between workers from step to step (lengths of sequences): not a fault of a machine.</summary>
    WorkloadSkew,

    /// <summary>All steps of the job became slower at once.</summary>
    SlowJob,

    /// <summary>No progress.</summary>
    Hang,

    /// <summary>The loss is not a number, or left its course and did not come back.</summary>
    LossCorruption,

    /// <summary>Metrics of a machine left what is normal for its class.</summary>
    MetricAnomaly,

    /// <summary>What was wrong is over.</summary>
    Recovered,
}

/// <summary>What a conclusion rests on.</summary>
/// <param name="Samples">The samples that led to it, oldest first.</param>
/// <param name="RuledOut">Other explanations that were looked at, each with why it does not hold.</param>
/// <param name="Settings">Version of the settings of the detector.</param>
public sealed record FindingEvidence(IReadOnlyList<EvidenceSample> Samples, IReadOnlyList<string> RuledOut, string Settings);

/// <summary>One sample that led to a conclusion.</summary>
/// <param name="At">Position in the window's own count.</param>
/// <param name="What">Name of the quantity.</param>
/// <param name="Value">What was seen.</param>
/// <param name="Expected">What would have been normal.</param>
public sealed record EvidenceSample(long At, string What, double Value, double Expected);
