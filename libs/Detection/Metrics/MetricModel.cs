using System.Globalization;
using TrainMover.Detection.Findings;

namespace TrainMover.Detection.Metrics;

/// <summary>
/// What is normal for a class of machines, learned from metrics of machines that were well. Thresholds come from the training data alone: parts of it are judged by
/// models that did not see them.
/// </summary>
public sealed class MetricModel
{
    /// <summary>Name under which findings are recorded.</summary>
    public const string Name = "learned-metrics";

    private const int MostExplaining = 5;

    internal MetricModel(string machineClass, IReadOnlyList<string> metrics, MetricModelSettings settings, MetricFeatures features, MetricNetwork network, double[] usual, double[] calibration, double? threshold = null)
    {
        (MachineClass, Metrics, Settings) = (machineClass, metrics, settings);
        (Features, Network, Usual, Calibration) = (features, network, usual, calibration);
        Threshold = threshold ?? ThresholdAt(settings.Quantile);
    }

    /// <summary>Class of machines that it was trained for.</summary>
    public string MachineClass { get; }

    /// <summary>Names of the metrics, in the order of a sample.</summary>
    public IReadOnlyList<string> Metrics { get; }

    /// <summary>Settings that it was trained with.</summary>
    public MetricModelSettings Settings { get; }

    /// <summary>Scores above it are anomalies.</summary>
    public double Threshold { get; }

    internal MetricFeatures Features { get; }

    internal MetricNetwork Network { get; }

    internal double[] Usual { get; }

    internal double[] Calibration { get; }

    /// <summary>The same model with another threshold: another version.</summary>
    public MetricModel WithThreshold(double threshold) => new(MachineClass, Metrics, Settings, Features, Network, Usual, Calibration, threshold);

    /// <summary>Threshold that leaves this part of the scores of normal data below it.</summary>
    /// <param name="quantile">In 0..1.</param>
    public double ThresholdAt(double quantile) => Calibration.Order().ElementAt((int)((Calibration.Length - 1) * quantile));

    /// <summary>Lowest threshold at which normal data raises at most this many alarms per so many samples; samples above it in a row are one alarm.</summary>
    /// <param name="alarms">Alarms that are accepted.</param>
    /// <param name="samples">Samples in which they are accepted.</param>
    public double ThresholdFor(double alarms, int samples)
    {
        var accepted = alarms * Calibration.Length / samples;
        // The number of alarms falls with the threshold from the median of the scores upwards.
        var (low, high) = (ThresholdAt(0.5), Calibration.Max());
        for (var halving = 0; halving < 50; halving++)
        {
            var middle = (low + high) / 2;
            if (Alarms(middle) > accepted) low = middle;
            else high = middle;
        }

        return high;
    }

    /// <summary>How often normal data raises an alarm at a threshold, in all of the training data.</summary>
    public int Alarms(double threshold) => Calibration.Index().Count(score => score.Item > threshold && (score.Index == 0 || Calibration[score.Index - 1] <= threshold));

    /// <summary>Scores samples of one machine as they come.</summary>
    public MetricStream Stream() => new(this);

    /// <summary>Scores samples of one machine in order of time.</summary>
    /// <exception cref="ArgumentException">A sample has other metrics.</exception>
    public IReadOnlyList<MetricScore> Score(IReadOnlyList<double[]> samples)
    {
        var stream = Stream();
        return [.. samples.Select(stream.Next)];
    }

    /// <summary>The finding for a sample, with the metrics that explain it; null where the score is not above the threshold.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="sample">Number of the sample.</param>
    /// <param name="score">Its score.</param>
    /// <param name="version">Version of the model (see <see cref="MetricModelFile"/>).</param>
    /// <param name="threshold">Another threshold than the model's own.</param>
    public Finding? Judge(string machine, long sample, MetricScore score, string version, double? threshold = null)
    {
        var limit = threshold ?? Threshold;
        if (!(score.Score > limit)) return null;
        var explained = score.Explaining(MostExplaining);
        var most = string.Join(", ", explained.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{Metrics[metric.Metric]} ({metric.Share * 100:0}%)")));
        return new Finding(
            Name, FindingKind.MetricAnomaly, machine, sample,
            string.Create(CultureInfo.InvariantCulture, $"Metrics of {machine} are not normal for {MachineClass}: score {score.Score:0.00} above {limit:0.00} (model {version}), most of all {most}."),
            new FindingEvidence(
                [new EvidenceSample(sample, "score", score.Score, limit), .. explained.Select(metric => new EvidenceSample(sample, Metrics[metric.Metric], metric.Surprise, 1))],
                [string.Create(CultureInfo.InvariantCulture, $"Noise: of {Calibration.Length} samples of normal data {Calibration.Count(normal => normal > limit)} score above {limit:0.00}, under models that did not see them.")],
                version),
            AsksForMigration: false);
    }
}
