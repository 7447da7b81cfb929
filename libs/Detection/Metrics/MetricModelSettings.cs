using TrainMover.Detection.Findings;

namespace TrainMover.Detection.Metrics;

/// <summary>Settings of <see cref="MetricModel"/>. Lengths are in samples, unless they say otherwise.</summary>
public sealed record MetricModelSettings : DetectorSettings
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>Time between two samples. Default 1 minute.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Samples before the present one whose mean tells how a metric changes. Default 6.</summary>
    public int Memory { get; init; } = 6;

    /// <summary>Weight of the present sample in the score, which is smoothed exponentially: faults last, noise does not. Default 0.3.</summary>
    public double Smoothing { get; init; } = 0.3;

    /// <summary>Part of the features, the most surprising ones, whose mean is the score. Default 0.33.</summary>
    public double Largest { get; init; } = 0.33;

    /// <summary>Width of the narrowest layer, as a part of the features. Default 0.04.</summary>
    public double Bottleneck { get; init; } = 0.04;

    /// <summary>Passes over the training data. Default 12.</summary>
    public int Epochs { get; init; } = 12;

    /// <summary>Samples per update. Default 128.</summary>
    public int Batch { get; init; } = 128;

    /// <summary>Learning rate of Adam. Default 0.003.</summary>
    public double LearningRate { get; init; } = 0.003;

    /// <summary>Parts of the training data, each judged by a model that did not see it, which gives scores of what is new but normal. Default 4.</summary>
    public int Folds { get; init; } = 4;

    /// <summary>Part of such scores that the threshold leaves below it. Default 0.98.</summary>
    public double Quantile { get; init; } = 0.98;

    /// <summary>Seed of the weights and of the order of the samples. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <inheritdoc/>
    public override string? BrokenRule() => this switch
    {
        _ when Interval < Shortest || Interval > Longest => $"Interval is {Interval}; it goes from {Shortest} to {Longest}.",
        { Memory: < 1 } => $"Memory is {Memory}; it is positive.",
        _ when !(Smoothing is > 0 and <= 1) => $"Smoothing is {Smoothing}; it is in 0..1.",
        _ when !(Largest is > 0 and <= 1) => $"Largest is {Largest}; it is in 0..1.",
        _ when !(Bottleneck is > 0 and <= 1) => $"Bottleneck is {Bottleneck}; it is in 0..1.",
        { Epochs: < 1 } => $"Epochs is {Epochs}; it is positive.",
        { Batch: < 1 } => $"Batch is {Batch}; it is positive.",
        _ when !(LearningRate > 0) => $"LearningRate is {LearningRate}; it is positive.",
        { Folds: < 2 } => $"Folds is {Folds}; it is at least 2.",
        _ when !(Quantile is > 0.5 and < 1) => $"Quantile is {Quantile}; it is in 0.5..1.",
        _ => null,
    };
}
