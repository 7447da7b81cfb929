namespace TrainMover.Telemetry.Metrics;

/// <summary>One value of one metric at one time.</summary>
/// <param name="Name">Name of the metric, as its source writes it.</param>
/// <param name="Labels">Labels that tell series of the same metric apart; none twice.</param>
/// <param name="Value">The value; may be no number or infinite.</param>
/// <param name="Time">When it was taken, where the source says so.</param>
public sealed record MetricSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value, DateTimeOffset? Time = null);
