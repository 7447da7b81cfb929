using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Otlp;

/// <summary>What one resource of an OTLP export says.</summary>
/// <param name="Attributes">Attributes of the resource, as text.</param>
/// <param name="Samples">Data points of its gauges and sums; histograms and summaries are left out.</param>
/// <param name="LeftOut">Data points that were left out.</param>
public sealed record OtlpResource(IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<MetricSample> Samples, int LeftOut)
{
    /// <summary>The machine that it speaks of: <c>trainmover.machine</c>, else <c>host.name</c>; null where it names none.</summary>
    public string? Machine => Attributes.GetValueOrDefault("trainmover.machine") ?? Attributes.GetValueOrDefault("host.name");
}

/// <summary>A body is no OTLP export of metrics.</summary>
/// <param name="message">Why.</param>
public sealed class OtlpException(string message) : Exception(message);
