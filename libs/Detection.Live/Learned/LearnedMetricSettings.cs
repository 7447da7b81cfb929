namespace TrainMover.Detection.Live.Learned;

/// <summary>What can be tuned about learned models of metrics. What is normal comes with the model; lengths are in its samples.</summary>
public sealed record LearnedMetricSettings
{
    /// <summary>Versions of the models in force; they come with their folder.</summary>
    public string Models { get; init; } = "";

    /// <summary>
    /// Which machine is of which class: <c>PATTERN=CLASS</c>, separated by commas, the first that fits; <c>*</c> stands for any letters. A machine that none fits is of the class that has its own name,
    /// where there is a model of that. Default empty.
    /// </summary>
    public string Classes { get; init; } = "";

    /// <summary>Times the threshold of the model, above which a score is an anomaly. Default 1; from 0.1 to 100.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Part of the model's metrics that has to be there for a sample to be judged. Default 0.5; in 0..1.</summary>
    public double Coverage { get; init; } = 0.5;

    /// <summary>Samples in a row that are normal, after which an anomaly is over. Default 30; from 1 to 100,000.</summary>
    public int Quiet { get; init; } = 30;

    /// <summary>The first broken rule, or null when the settings agree with each other.</summary>
    public string? BrokenRule() => this switch
    {
        _ when MachineClasses.BrokenRule(Classes) is { } rule => rule,
        _ when !(Scale is >= 0.1 and <= 100) => $"Scale is {Scale}; it goes from 0.1 to 100.",
        _ when !(Coverage is > 0 and <= 1) => $"Coverage is {Coverage}; it is above 0 and at most 1.",
        _ when Quiet is < 1 or > 100_000 => $"Quiet is {Quiet}; it goes from 1 to 100000.",
        _ => null,
    };
}
