using TrainMover.Detection.Findings;
using TrainMover.Detection.Metrics;

namespace TrainMover.Detection.Learned;

/// <summary>Learns from metrics of machines that were well what is normal for their class.</summary>
public static class MetricTraining
{
    private const double LeastUsual = 0.02;

    /// <summary>Trains a model on one machine. Equal data, settings and library versions give an equal model.</summary>
    /// <inheritdoc cref="Train(string, IReadOnlyList{string}, IReadOnlyList{IReadOnlyList{double[]}}, MetricModelSettings?, IProgress{string}?)"/>
    public static MetricModel Train(string machineClass, IReadOnlyList<string> metrics, IReadOnlyList<double[]> samples, MetricModelSettings? settings = null) =>
        Train(machineClass, metrics, [samples], settings);

    /// <summary>Trains a model on machines of a class. Equal data, settings and library versions give an equal model.</summary>
    /// <param name="machineClass">Class of the machines.</param>
    /// <param name="metrics">Names of the metrics.</param>
    /// <param name="samples">Per machine the samples while it was well, in order of time, each with all metrics.</param>
    /// <param name="settings">Settings; null for the defaults.</param>
    /// <param name="progress">Told in plain words what is being learned.</param>
    /// <exception cref="SettingsException">The settings break a rule.</exception>
    /// <exception cref="ArgumentException">There are too few samples, or one has other metrics, or a value that is no number.</exception>
    public static MetricModel Train(
        string machineClass, IReadOnlyList<string> metrics, IReadOnlyList<IReadOnlyList<double[]>> samples, MetricModelSettings? settings = null, IProgress<string>? progress = null)
    {
        settings ??= new MetricModelSettings();
        settings.Require();
        var together = samples.SelectMany(machine => machine).ToList();
        if (together.Count < settings.Folds * settings.Batch)
            throw new ArgumentException($"{together.Count} samples are too few to train on: {settings.Folds} parts of {settings.Batch} at least.", nameof(samples));
        if (together.Exists(sample => sample.Length != metrics.Count)) throw new ArgumentException($"Every sample has {metrics.Count} metrics.", nameof(samples));
        if (together.Exists(sample => !Array.TrueForAll(sample, double.IsFinite))) throw new ArgumentException("Every value that is learned from is a finite number.", nameof(samples));

        var features = MetricFeatures.Of(together, settings.Memory);
        var perMachine = samples.Select(features.All).ToList();
        float[][] all = [.. perMachine.SelectMany(machine => machine)];
        var residuals = new float[all.Length][];
        for (var fold = 0; fold < settings.Folds; fold++)
        {
            progress?.Report($"part {fold + 1} of {settings.Folds}: learning from the others, and judging it for the threshold");
            var (from, to) = (all.Length * fold / settings.Folds, all.Length * (fold + 1) / settings.Folds);
            var other = Autoencoder.Trained([.. all[..from], .. all[to..]], settings);
            for (var sample = from; sample < to; sample++) residuals[sample] = other.Residual(all[sample]);
        }

        progress?.Report($"learning from all {all.Length} samples");
        var usual = Enumerable.Range(0, features.Count).Select(feature => Math.Max(LeastUsual, Math.Sqrt(residuals.Average(residual => (double)residual[feature] * residual[feature])))).ToArray();
        var network = Autoencoder.Trained(all, settings);
        return new MetricModel(machineClass, metrics, settings, features, network, usual, Calibration(perMachine, residuals, settings, usual));
    }

    // Each machine is smoothed by itself.
    private static double[] Calibration(List<float[][]> machines, float[][] residuals, MetricModelSettings settings, double[] usual)
    {
        var scores = new List<double>(residuals.Length);
        foreach (var machine in machines)
        {
            var smoothed = new SmoothedSurprise(settings, usual);
            scores.AddRange(residuals.Skip(scores.Count).Take(machine.Length).Select(smoothed.Next).ToList());
        }

        return [.. scores];
    }
}
