using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Metrics;
using TrainMover.Telemetry.Prometheus;

namespace TrainMover.Detection.Live.Learned;

/// <summary>
/// Samples of one machine, each the mean of what was said within one interval of its model, whoever said it and in whatever order. A sample is complete when a later one begins. What is kept does not
/// grow.
/// </summary>
internal sealed class MachineSamples(ClassModel of)
{
    private readonly double[] _sums = new double[of.Model.Metrics.Count];
    private readonly int[] _counts = new int[of.Model.Metrics.Count];
    private MetricStream _stream = of.Model.Stream();
    private long _interval = long.MinValue;
    private long _scored = long.MinValue;
    private int _settled;

    public ClassModel Class => of;

    /// <summary>Takes metrics in; gives the sample that they complete.</summary>
    public SampleOutcome Take(DeviceMetricsTaken taken, double coverage)
    {
        var interval = taken.TakenAt.UtcTicks / of.Model.Settings.Interval.Ticks;
        if (interval < _interval) return SampleOutcome.Late;
        var outcome = interval > _interval && _interval != long.MinValue ? Complete(coverage) : SampleOutcome.None;
        _interval = interval;
        foreach (var metric in taken.Metrics)
        {
            if (of.PlaceOf(metric.Device, metric.Metric) is not (>= 0 and var place) || !double.IsFinite(metric.Value) || DcgmMetrics.IsBlank(metric.Value)) continue;
            _sums[place] += metric.Value;
            _counts[place]++;
        }

        return outcome;
    }

    /// <summary>Nobody saw the machine for a while: what it was before says nothing of what comes.</summary>
    public void Restart()
    {
        (_stream, _settled, _interval) = (of.Model.Stream(), 0, long.MinValue);
        Array.Clear(_sums);
        Array.Clear(_counts);
    }

    private SampleOutcome Complete(double coverage)
    {
        var sample = new double[_sums.Length];
        var missing = 0;
        for (var place = 0; place < sample.Length; place++)
        {
            sample[place] = _counts[place] > 0 ? _sums[place] / _counts[place] : double.NaN;
            if (_counts[place] == 0) missing++;
        }

        Array.Clear(_sums);
        Array.Clear(_counts);
        var at = _interval;
        if (sample.Length - missing < coverage * sample.Length) return new SampleOutcome(SampleKind.TooFew, at, missing);
        var memory = of.Model.Settings.Memory;
        if (_scored != long.MinValue && at - _scored > memory) Restart();
        _scored = at;
        var score = _stream.Next(sample);
        return ++_settled <= memory ? new SampleOutcome(SampleKind.Settling, at, missing) : new SampleOutcome(SampleKind.Scored, at, missing, score);
    }
}

/// <summary>What became of a message.</summary>
internal readonly record struct SampleOutcome(SampleKind Kind, long Interval = 0, int Missing = 0, MetricScore? Score = null)
{
    public static SampleOutcome None { get; }

    public static SampleOutcome Late { get; } = new(SampleKind.Late);
}

internal enum SampleKind
{
    /// <summary>No sample is complete.</summary>
    None,

    /// <summary>The message belongs to a sample that was complete before.</summary>
    Late,

    /// <summary>Too few of the metrics are there to judge the sample.</summary>
    TooFew,

    /// <summary>The first samples after silence are not judged.</summary>
    Settling,

    /// <summary>The sample has a score.</summary>
    Scored,
}
