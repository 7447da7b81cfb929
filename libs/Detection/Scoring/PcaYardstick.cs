using MathNet.Numerics.LinearAlgebra;

namespace TrainMover.Detection.Scoring;

/// <summary>
/// A yardstick for learned detectors: how far a sample lies from the plane of the largest principal components of normal data. Everything about it that can be chosen is picked on the labels of the very
/// samples that are scored, so that its F1 is an upper bound of what such a detector reaches.
/// </summary>
public static class PcaYardstick
{
    private const double Smoothing = 0.3;
    private const double LeastSpread = 1e-3;
    private const double Farthest = 20;

    private static readonly double[] Planes = [0.5, 0.7, 0.8, 0.9, 0.95, 0.99];

    /// <summary>The greatest F1, sample by sample, over planes that hold 50% to 99% of the variance, plain distances and smoothed ones, and all thresholds.</summary>
    /// <param name="normal">Samples that were well; each with all metrics, all of them finite.</param>
    /// <param name="samples">Samples to score; what is no number counts as normal.</param>
    /// <param name="labels">Which of these are anomalies.</param>
    /// <exception cref="ArgumentException">There is no normal sample, or samples and labels differ in length.</exception>
    public static double UpperBound(IReadOnlyList<double[]> normal, IReadOnlyList<double[]> samples, IReadOnlyList<bool> labels) => Planes.Max(explained =>
    {
        var scores = Score(normal, samples, explained);
        var smoothed = scores.Count == 0 ? 0 : scores[0];
        return Math.Max(BestF1(scores, labels), BestF1([.. scores.Select(score => smoothed += Smoothing * (score - smoothed))], labels));
    });

    /// <summary>Squared distance of each sample from the plane, in units of the usual spread of each metric.</summary>
    /// <param name="normal">Samples that were well; each with all metrics, all of them finite.</param>
    /// <param name="samples">Samples to score; what is no number counts as normal.</param>
    /// <param name="explained">Part of the variance of normal data that the plane holds.</param>
    /// <exception cref="ArgumentException">There is no normal sample.</exception>
    public static IReadOnlyList<double> Score(IReadOnlyList<double[]> normal, IReadOnlyList<double[]> samples, double explained = 0.9)
    {
        if (normal.Count == 0) throw new ArgumentException("Without normal samples nothing is far from them.", nameof(normal));
        var metrics = normal[0].Length;
        var mean = Enumerable.Range(0, metrics).Select(metric => normal.Average(sample => sample[metric])).ToArray();
        var spread = Enumerable.Range(0, metrics).Select(metric => Math.Max(LeastSpread, Math.Sqrt(normal.Average(sample => Math.Pow(sample[metric] - mean[metric], 2))))).ToArray();
        var covariance = Matrix<double>.Build.Dense(metrics, metrics);
        foreach (var sample in normal.Select(Scaled))
        {
            for (var row = 0; row < metrics; row++)
            {
                for (var column = 0; column <= row; column++) covariance[row, column] += sample[row] * sample[column] / normal.Count;
            }
        }

        for (var row = 0; row < metrics; row++)
        {
            for (var column = row + 1; column < metrics; column++) covariance[row, column] = covariance[column, row];
        }

        var components = covariance.Evd(Symmetricity.Symmetric);
        var variances = components.EigenValues.Select(value => Math.Max(0, value.Real)).Index().OrderByDescending(value => value.Item).ToList();
        var (all, held, plane) = (variances.Sum(value => value.Item), 0.0, new List<double[]>());
        foreach (var (place, variance) in variances)
        {
            if (held >= explained * all) break;
            plane.Add(components.EigenVectors.Column(place).ToArray());
            held += variance;
        }

        return [.. samples.Select(sample => FromPlane(Scaled(sample)))];

        double[] Scaled(double[] sample) =>
            [.. sample.Select((value, metric) => double.IsFinite(value) ? Math.Clamp((value - mean[metric]) / spread[metric], -Farthest, Farthest) : 0)];

        double FromPlane(double[] sample) => Math.Max(0, sample.Sum(value => value * value) - plane.Sum(component => Math.Pow(component.Zip(sample, (weight, value) => weight * value).Sum(), 2)));
    }

    /// <summary>The greatest F1 that any threshold on the scores gives; 0 where nothing is labelled.</summary>
    /// <exception cref="ArgumentException">Scores and labels differ in length.</exception>
    public static double BestF1(IReadOnlyList<double> scores, IReadOnlyList<bool> labels)
    {
        if (scores.Count != labels.Count) throw new ArgumentException($"{scores.Count} scores do not fit {labels.Count} labels.", nameof(scores));
        var (labelled, hits, flagged, best) = (labels.Count(label => label), 0, 0, 0.0);
        var ordered = scores.Zip(labels, (score, label) => (Score: score, Label: label)).OrderByDescending(sample => sample.Score).ToList();
        foreach (var (index, sample) in ordered.Index())
        {
            flagged++;
            if (sample.Label) hits++;
            // Equal scores are on the same side of every threshold.
            if (index + 1 < ordered.Count && ordered[index + 1].Score == sample.Score) continue;
            if (labelled > 0) best = Math.Max(best, 2.0 * hits / (flagged + labelled));
        }

        return best;
    }
}
