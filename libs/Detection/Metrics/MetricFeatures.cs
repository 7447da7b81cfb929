namespace TrainMover.Detection.Metrics;

/// <summary>What a model sees of a sample: each metric in units of its usual spread, and its change against the mean of the samples before.</summary>
/// <param name="Mean">Of each metric in the training data.</param>
/// <param name="Spread">Of each metric in the training data, positive.</param>
/// <param name="Memory">Samples before the present one that its change is measured against.</param>
internal sealed record MetricFeatures(double[] Mean, double[] Spread, int Memory)
{
    // A metric that never moved in training is at most this many spreads away when it does.
    private const double Farthest = 20;
    private const double LeastSpread = 1e-3;

    public int Count => 2 * Mean.Length;

    public static MetricFeatures Of(IReadOnlyList<double[]> samples, int memory)
    {
        var metrics = samples[0].Length;
        var mean = Enumerable.Range(0, metrics).Select(metric => samples.Average(sample => sample[metric])).ToArray();
        var spread = Enumerable.Range(0, metrics).Select(metric => Math.Max(LeastSpread, Math.Sqrt(samples.Average(sample => Math.Pow(sample[metric] - mean[metric], 2))))).ToArray();
        return new MetricFeatures(mean, spread, memory);
    }

    public float[][] All(IReadOnlyList<double[]> samples)
    {
        var stream = new Stream(this);
        return [.. samples.Select(stream.Next)];
    }

    /// <summary>Features of samples as they come.</summary>
    internal sealed class Stream(MetricFeatures features)
    {
        private readonly Queue<double[]> _before = new();
        private readonly double[] _sums = new double[features.Mean.Length];

        public float[] Next(double[] sample)
        {
            var metrics = _sums.Length;
            var level = new double[metrics];
            var result = new float[2 * metrics];
            for (var metric = 0; metric < metrics; metric++)
            {
                // A value that was not measured is taken to be normal.
                level[metric] = double.IsFinite(sample[metric]) ? Math.Clamp((sample[metric] - features.Mean[metric]) / features.Spread[metric], -Farthest, Farthest) : 0;
                result[metric] = (float)level[metric];
                result[metrics + metric] = _before.Count == 0 ? 0 : (float)(level[metric] - (_sums[metric] / _before.Count));
            }

            _before.Enqueue(level);
            for (var metric = 0; metric < metrics; metric++) _sums[metric] += level[metric];
            if (_before.Count <= features.Memory) return result;
            var oldest = _before.Dequeue();
            for (var metric = 0; metric < metrics; metric++) _sums[metric] -= oldest[metric];
            return result;
        }
    }
}
