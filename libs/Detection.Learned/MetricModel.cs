using TrainMover.Detection.Findings;

namespace TrainMover.Detection.Learned;

/// <summary>How far a sample is from what is normal for its class of machines.</summary>
/// <param name="Score">Smoothed surprise; comparable with thresholds of the same model.</param>
/// <param name="Surprises">Per metric, in units of its usual surprise: why the score is what it is.</param>
public sealed record MetricScore(double Score, IReadOnlyList<double> Surprises);

/// <summary>
/// What is normal for a class of machines, learned from metrics of machines that were well. Thresholds come from the training data alone: parts of it are judged by
/// models that did not see them.
/// </summary>
public sealed class MetricModel : IDisposable
{
    /// <summary>Name under which findings are recorded.</summary>
    public const string Name = "learned-metrics";

    private const double LeastUsual = 0.02;
    private readonly MetricFeatures _features;
    private readonly Autoencoder _network;
    private readonly double[] _usual;
    private readonly double[] _calibration;

    internal MetricModel(string machineClass, IReadOnlyList<string> metrics, MetricModelSettings settings, MetricFeatures features, Autoencoder network, double[] usual, double[] calibration)
    {
        (MachineClass, Metrics, Settings) = (machineClass, metrics, settings);
        (_features, _network, _usual, _calibration) = (features, network, usual, calibration);
        Threshold = ThresholdAt(settings.Quantile);
    }

    /// <summary>Class of machines that it was trained for.</summary>
    public string MachineClass { get; }

    /// <summary>Names of the metrics, in the order of a sample.</summary>
    public IReadOnlyList<string> Metrics { get; }

    /// <summary>Settings that it was trained with.</summary>
    public MetricModelSettings Settings { get; }

    /// <summary>Scores above it are anomalies.</summary>
    public double Threshold { get; }

    internal MetricFeatures Features => _features;

    internal Autoencoder Network => _network;

    internal double[] Usual => _usual;

    internal double[] Calibration => _calibration;

    /// <summary>Trains a model. Equal data, settings and library versions give an equal model.</summary>
    /// <param name="machineClass">Class of the machines.</param>
    /// <param name="metrics">Names of the metrics.</param>
    /// <param name="samples">Samples of machines that were well, in order of time, each with all metrics.</param>
    /// <param name="settings">Settings; null for the defaults.</param>
    /// <exception cref="SettingsException">The settings break a rule.</exception>
    /// <exception cref="ArgumentException">There are too few samples, or one has other metrics.</exception>
    public static MetricModel Train(string machineClass, IReadOnlyList<string> metrics, IReadOnlyList<double[]> samples, MetricModelSettings? settings = null)
    {
        settings ??= new MetricModelSettings();
        settings.Require();
        if (samples.Count < settings.Folds * settings.Batch)
            throw new ArgumentException($"{samples.Count} samples are too few to train on: {settings.Folds} parts of {settings.Batch} at least.", nameof(samples));
        if (samples.Any(sample => sample.Length != metrics.Count)) throw new ArgumentException($"Every sample has {metrics.Count} metrics.", nameof(samples));

        var features = MetricFeatures.Of(samples, settings.Memory);
        var all = features.All(samples);
        var residuals = new float[all.Length][];
        for (var fold = 0; fold < settings.Folds; fold++)
        {
            var (from, to) = (all.Length * fold / settings.Folds, all.Length * (fold + 1) / settings.Folds);
            using var other = Autoencoder.Trained([.. all[..from], .. all[to..]], settings);
            other.Residuals(all[from..to]).CopyTo(residuals, from);
        }

        var usual = Enumerable.Range(0, features.Count).Select(feature => Math.Max(LeastUsual, Math.Sqrt(residuals.Average(residual => (double)residual[feature] * residual[feature])))).ToArray();
        var smoothed = new Smoothed(settings, usual);
        var calibration = residuals.Select(residual => smoothed.Next(residual)).ToArray();
        return new MetricModel(machineClass, metrics, settings, features, Autoencoder.Trained(all, settings), usual, calibration);
    }

    /// <summary>Threshold that leaves this part of the scores of normal data below it.</summary>
    /// <param name="quantile">In 0..1.</param>
    public double ThresholdAt(double quantile) => _calibration.Order().ElementAt((int)((_calibration.Length - 1) * quantile));

    /// <summary>Lowest threshold at which normal data raises at most this many alarms per so many samples; samples above it in a row are one alarm.</summary>
    /// <param name="alarms">Alarms that are accepted.</param>
    /// <param name="samples">Samples in which they are accepted.</param>
    public double ThresholdFor(double alarms, int samples)
    {
        var accepted = alarms * _calibration.Length / samples;
        // The number of alarms falls with the threshold from the median of the scores upwards.
        var (low, high) = (ThresholdAt(0.5), _calibration.Max());
        for (var halving = 0; halving < 50; halving++)
        {
            var middle = (low + high) / 2;
            if (Alarms(middle) > accepted) low = middle;
            else high = middle;
        }

        return high;
    }

    /// <summary>Scores samples of one machine in order of time.</summary>
    /// <exception cref="ArgumentException">A sample has other metrics.</exception>
    public IReadOnlyList<MetricScore> Score(IReadOnlyList<double[]> samples)
    {
        if (samples.Any(sample => sample.Length != Metrics.Count)) throw new ArgumentException($"Every sample has {Metrics.Count} metrics.", nameof(samples));
        var smoothed = new Smoothed(Settings, _usual);
        return [.. _network.Residuals(_features.All(samples)).Select(residual => new MetricScore(smoothed.Next(residual), Surprises(residual)))];
    }

    /// <summary>The finding for a sample, with the metrics that explain it; null where the score is not above the threshold.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="sample">Number of the sample.</param>
    /// <param name="score">Its score.</param>
    /// <param name="version">Version of the model (see <see cref="MetricModelFile"/>).</param>
    public Finding? Judge(string machine, long sample, MetricScore score, string version)
    {
        if (score.Score <= Threshold) return null;
        var explained = score.Surprises.Index().OrderByDescending(metric => metric.Item).Take(5).ToList();
        return new Finding(
            Name, FindingKind.MetricAnomaly, machine, sample,
            FormattableString.Invariant($"Metrics of {machine} are not normal for {MachineClass}: score {score.Score:0.00} above {Threshold:0.00}, most of all {Metrics[explained[0].Index]}."),
            new FindingEvidence(
                [new EvidenceSample(sample, "score", score.Score, Threshold), .. explained.Select(metric => new EvidenceSample(sample, Metrics[metric.Index], metric.Item, 1))],
                [FormattableString.Invariant($"Noise: normal data scores above {Threshold:0.00} in {1 - Settings.Quantile:P1} of the samples.")],
                version),
            AsksForMigration: false);
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();

    private int Alarms(double threshold) => _calibration.Index().Count(score => score.Item > threshold && (score.Index == 0 || _calibration[score.Index - 1] <= threshold));

    // A metric surprises by its level or by its change, whichever is more.
    private double[] Surprises(float[] residual) =>
        [.. Enumerable.Range(0, Metrics.Count).Select(metric => Math.Max(Math.Abs(residual[metric]) / _usual[metric], Math.Abs(residual[Metrics.Count + metric]) / _usual[Metrics.Count + metric]))];

    private sealed class Smoothed(MetricModelSettings settings, double[] usual)
    {
        private double? _score;

        public double Next(float[] residual)
        {
            var largest = Math.Max(1, (int)(residual.Length * settings.Largest));
            var surprise = residual.Select((value, feature) => Math.Abs(value) / usual[feature]).OrderDescending().Take(largest).Average();
            _score = _score is { } before ? before + (settings.Smoothing * (surprise - before)) : surprise;
            return _score.Value;
        }
    }
}
