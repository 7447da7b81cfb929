namespace TrainMover.Detection.Metrics;

/// <summary>How far a sample is from what is normal for its class of machines.</summary>
/// <param name="Score">Smoothed surprise; comparable with thresholds of the same model.</param>
/// <param name="Surprises">Per metric, in units of its usual surprise: why the score is what it is. Zero where the metric was not measured.</param>
public sealed record MetricScore(double Score, IReadOnlyList<double> Surprises)
{
    /// <summary>The metrics that surprise most, the first most of all.</summary>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<ExplainingMetric> Explaining(int count)
    {
        var all = Surprises.Sum();
        return [.. Surprises.Index().Where(metric => metric.Item > 0).OrderByDescending(metric => metric.Item).Take(count).Select(metric => new ExplainingMetric(metric.Index, metric.Item, metric.Item / all))];
    }
}

/// <summary>A metric that explains a score.</summary>
/// <param name="Metric">Its place in a sample.</param>
/// <param name="Surprise">In units of its usual surprise.</param>
/// <param name="Share">Its share of the surprises of all metrics; in 0..1.</param>
public readonly record struct ExplainingMetric(int Metric, double Surprise, double Share);
