using TrainMover.Detection.Findings;
using TrainMover.Detection.Statistics;

namespace TrainMover.Detection.Streaming;

/// <summary>Settings of <see cref="SeriesWatch"/>. Lengths are in samples.</summary>
public sealed record SeriesWatchSettings : DetectorSettings
{
    /// <summary>Samples that only teach. Default 150.</summary>
    public int Learning { get; init; } = 150;

    /// <summary>Length of the brief mean. Default 12: an hour at one sample per five minutes.</summary>
    public int Brief { get; init; } = 12;

    /// <summary>Length of the extended mean. Default 48.</summary>
    public int Extended { get; init; } = 48;

    /// <summary>Samples after an alarm in which only something clearly worse is another one. Default 200.</summary>
    public int Rest { get; init; } = 200;

    /// <summary>How many times the record is clearly worse. Default 1.5.</summary>
    public double Escalation { get; init; } = 1.5;

    /// <summary>
    /// How thin the tails of a series are taken to be. Records are common in a young series and rare in an old one: until 4000 samples the score is multiplied by
    /// (samples / 4000)^(1 / Tail). Default 20.
    /// </summary>
    public double Tail { get; init; } = 20;

    /// <summary>Samples from which the median and the usual range are taken. Default 5000.</summary>
    public int History { get; init; } = 5000;

    /// <inheritdoc/>
    public override string? BrokenRule() => this switch
    {
        { Brief: < 2 } => $"Brief is {Brief}; it is at least 2.",
        _ when Extended <= Brief => $"Extended ({Extended}) is above Brief ({Brief}).",
        _ when Learning <= Extended => $"Learning ({Learning}) is above Extended ({Extended}).",
        _ when History < Learning => $"History ({History}) is not below Learning ({Learning}).",
        { Rest: < 0 } => $"Rest is {Rest}; it is not negative.",
        _ when !(Escalation >= 1) => $"Escalation is {Escalation}; it is at least 1.",
        _ when !(Tail > 1) => $"Tail is {Tail}; it is above 1.",
        _ => null,
    };
}

/// <summary>How unusual a sample is.</summary>
/// <param name="Score">1 and above is an anomaly.</param>
/// <param name="Quantity">What is the most unusual about it.</param>
/// <param name="Value">Its size: distance from the median of the series.</param>
/// <param name="Record">The largest that was seen before.</param>
public readonly record struct SeriesScore(double Score, string Quantity, double Value, double Record);

/// <summary>
/// Watches one series online, in one pass and with bounded memory, without being told anything of it: a sample is an anomaly when it, or the mean of the last samples,
/// is farther from the median of the series than ever before. What was seen once is known, so a series that always has spikes raises none for another.
/// Not safe for use by several threads at once.
/// </summary>
public sealed class SeriesWatch
{
    /// <summary>Name under which findings are recorded.</summary>
    public const string Name = "series";

    private const double UsualTail = 0.02;
    private const double LeastOfUsual = 0.02;
    private const double LeastOfAll = 0.05;
    private const double Mature = 4000;

    // What merely equals the record is known.
    private const double JustBelow = 1 - 1e-9;
    private static readonly string[] Quantities = ["high", "low", "brief mean", "extended mean"];
    private readonly SeriesWatchSettings _settings;
    private readonly SortedWindow _history;
    private readonly Recent<double> _brief;
    private readonly Recent<double> _extended;
    private readonly double[] _records = new double[Quantities.Length];
    private long _samples;
    private long _restUntil = -1;

    /// <summary>A watch that has seen nothing.</summary>
    /// <exception cref="SettingsException">The settings break a rule.</exception>
    public SeriesWatch(SeriesWatchSettings? settings = null)
    {
        _settings = settings ?? new SeriesWatchSettings();
        _settings.Require();
        _history = new SortedWindow(_settings.History);
        _brief = new Recent<double>(_settings.Brief);
        _extended = new Recent<double>(_settings.Extended);
    }

    /// <summary>Takes in the next sample. What is no number scores 0 and teaches nothing.</summary>
    public SeriesScore Observe(double value)
    {
        var sample = _samples++;
        if (!double.IsFinite(value)) return new SeriesScore(0, Quantities[0], 0, 0);
        _history.Add(value);
        _brief.Add(value);
        _extended.Add(value);
        var median = _history.At(_history.Count / 2);
        ReadOnlySpan<double> values = [Math.Max(0, value - median), Math.Max(0, median - value), FromMedian(_brief, _settings.Brief, median), FromMedian(_extended, _settings.Extended, median)];
        var least = LeastThatMatters();
        var most = new SeriesScore(0, Quantities[0], 0, 0);
        for (var quantity = 0; quantity < Quantities.Length; quantity++)
        {
            var ratio = values[quantity] / Math.Max(_records[quantity], least);
            if (ratio <= 1 + 1e-9) ratio = Math.Min(ratio, JustBelow);
            if (ratio > most.Score) most = new SeriesScore(ratio, Quantities[quantity], values[quantity], _records[quantity]);
            _records[quantity] = Math.Max(_records[quantity], values[quantity]);
        }

        if (sample < _settings.Learning) return most with { Score = 0 };
        var score = most.Score * Math.Pow(Math.Min(1, (sample + 1) / Mature), 1 / _settings.Tail) / (sample <= _restUntil ? _settings.Escalation : 1);
        if (score >= 1) _restUntil = sample + _settings.Rest;
        return most with { Score = score };
    }

    /// <summary>The finding for a sample that is an anomaly; null otherwise.</summary>
    /// <param name="series">Name of the series.</param>
    /// <param name="sample">Number of the sample.</param>
    /// <param name="score">What <see cref="Observe"/> said of it.</param>
    public Finding? Judge(string series, long sample, SeriesScore score) => score.Score < 1 ? null : new Finding(
        Name, FindingKind.MetricAnomaly, series, sample,
        FormattableString.Invariant($"{series} is farther from its median than in {_samples} samples before ({score.Quantity}): {score.Value:0.###}, the record was {score.Record:0.###}."),
        new FindingEvidence([new EvidenceSample(sample, score.Quantity, score.Value, score.Record)], ["A spike as the series has them: none before was as large."], _settings.Version),
        AsksForMigration: false);

    private static double FromMedian(Recent<double> values, int full, double median) => values.Count < full ? 0 : Math.Abs(values.Values.Average() - median);

    // A flat series has no records to compare with; a fiftieth of its usual range does not matter.
    private double LeastThatMatters()
    {
        var tail = (int)(_history.Count * UsualTail);
        var usual = _history.At(_history.Count - 1 - tail) - _history.At(tail);
        var all = _history.At(_history.Count - 1) - _history.At(0);
        return LeastOfUsual * Math.Max(Math.Max(usual, LeastOfAll * all), 1e-9);
    }
}
