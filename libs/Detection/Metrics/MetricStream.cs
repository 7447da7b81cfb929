namespace TrainMover.Detection.Metrics;

/// <summary>Scores the samples of one machine as they come, in one pass: it keeps as many of them as the model's memory says. Not safe for use by several threads at once.</summary>
public sealed class MetricStream
{
    private readonly MetricModel _model;
    private readonly MetricFeatures.Stream _features;
    private readonly SmoothedSurprise _smoothed;

    internal MetricStream(MetricModel model)
    {
        _model = model;
        _features = new MetricFeatures.Stream(model.Features);
        _smoothed = new SmoothedSurprise(model.Settings, model.Usual);
    }

    /// <summary>Scores the next sample.</summary>
    /// <param name="sample">A value per metric of the model; no number where one was not measured: it is taken to be normal, and explains nothing.</param>
    /// <exception cref="ArgumentException">It has another number of metrics.</exception>
    public MetricScore Next(double[] sample)
    {
        var metrics = _model.Metrics.Count;
        if (sample.Length != metrics) throw new ArgumentException($"The sample has {sample.Length} metrics, and the model {metrics}.", nameof(sample));
        var residual = _model.Network.Residual(_features.Next(sample));
        var surprises = new double[metrics];
        for (var metric = 0; metric < metrics; metric++)
        {
            if (!double.IsFinite(sample[metric])) residual[metric] = residual[metrics + metric] = 0;
            // A metric surprises by its level or by its change, whichever is more.
            surprises[metric] = Math.Max(Math.Abs(residual[metric]) / _model.Usual[metric], Math.Abs(residual[metrics + metric]) / _model.Usual[metrics + metric]);
        }

        return new MetricScore(_smoothed.Next(residual), surprises);
    }
}

/// <summary>The mean of the largest surprises of a sample, smoothed over samples.</summary>
internal sealed class SmoothedSurprise(MetricModelSettings settings, double[] usual)
{
    private readonly double[] _surprises = new double[usual.Length];
    private double? _score;

    public double Next(float[] residual)
    {
        for (var feature = 0; feature < residual.Length; feature++) _surprises[feature] = Math.Abs(residual[feature]) / usual[feature];
        Array.Sort(_surprises);
        var largest = Math.Max(1, (int)(residual.Length * settings.Largest));
        var sum = 0d;
        for (var place = 1; place <= largest; place++) sum += _surprises[^place];
        var surprise = sum / largest;
        _score = _score is { } before ? before + (settings.Smoothing * (surprise - before)) : surprise;
        return _score.Value;
    }
}
