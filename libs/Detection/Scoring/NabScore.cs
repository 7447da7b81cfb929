namespace TrainMover.Detection.Scoring;

/// <summary>Weights of the Numenta Anomaly Benchmark.</summary>
/// <param name="TruePositive">Of a detected window.</param>
/// <param name="FalsePositive">Of a detection outside all windows.</param>
/// <param name="FalseNegative">Of a missed window.</param>
public sealed record NabProfile(double TruePositive, double FalsePositive, double FalseNegative)
{
    /// <summary>NAB's standard profile.</summary>
    public static NabProfile Standard { get; } = new(1, 0.11, 1);
}

/// <summary>A series with what a detector said of it.</summary>
/// <param name="Name">Name for people.</param>
/// <param name="Scores">Anomaly score of each sample.</param>
/// <param name="Windows">Labelled windows as first and last sample, in order, without overlap.</param>
public sealed record NabSeries(string Name, IReadOnlyList<double> Scores, IReadOnlyList<(int First, int Last)> Windows);

/// <summary>Result of a corpus at one threshold.</summary>
/// <param name="Threshold">Scores at or above it are detections.</param>
/// <param name="Raw">Sum over all series.</param>
/// <param name="Normalised">100 x (raw - null) / (perfect - null), where null detects nothing and perfect detects each window at its begin and nothing else.</param>
/// <param name="Windows">Labelled windows.</param>
/// <param name="Detected">Windows with a detection.</param>
/// <param name="FalsePositives">Detections outside all windows.</param>
public sealed record NabResult(double Threshold, double Raw, double Normalised, int Windows, int Detected, int FalsePositives);

/// <summary>
/// The score of the Numenta Anomaly Benchmark: each window counts once, by its earliest detection, the more the earlier; detections outside count against, less so
/// shortly after a window. The first 15% of a series (750 samples at most) are for learning and do not count.
/// </summary>
public static class NabScore
{
    private const double Probation = 0.15;
    private const int LongestCounted = 5000;
    private const double FarBehind = 3;

    /// <summary>Scores a corpus at a threshold.</summary>
    /// <exception cref="ArgumentException">A window lies outside its series, or no series has a window.</exception>
    public static NabResult At(double threshold, IReadOnlyList<NabSeries> corpus, NabProfile? profile = null) =>
        Sum(threshold, [.. corpus.Select(series => Of(threshold, series, profile ?? NabProfile.Standard))], corpus, profile ?? NabProfile.Standard);

    /// <summary>NAB's own procedure: the one threshold for all series that gives the corpus its best score.</summary>
    /// <exception cref="ArgumentException">A window lies outside its series, or no series has a window.</exception>
    public static NabResult Best(IReadOnlyList<NabSeries> corpus, NabProfile? profile = null) => corpus
        .SelectMany(series => series.Scores.Skip(ProbationOf(series))).Append(double.MaxValue).Distinct().OrderDescending()
        .Select(threshold => At(threshold, corpus, profile)).MaxBy(result => result.Raw)!;

    /// <summary>Samples at the begin of a series that do not count.</summary>
    public static int ProbationOf(NabSeries series) => (int)Math.Min(Math.Floor(Probation * series.Scores.Count), Probation * LongestCounted);

    /// <summary>Score of one series.</summary>
    /// <exception cref="ArgumentException">A window lies outside the series.</exception>
    public static NabResult Of(double threshold, NabSeries series, NabProfile profile)
    {
        if (series.Windows.Any(window => window.First < 0 || window.Last < window.First || window.Last >= series.Scores.Count))
            throw new ArgumentException($"A window of {series.Name} lies outside its {series.Scores.Count} samples.", nameof(series));
        var probation = ProbationOf(series);
        double raw = 0;
        var (counted, detected, falsePositives) = (0, 0, 0);
        foreach (var (first, last) in series.Windows.Where(window => window.Last >= probation))
        {
            counted++;
            var width = last - first + 1;
            var hit = Enumerable.Range(Math.Max(first, probation), last - Math.Max(first, probation) + 1).Where(sample => series.Scores[sample] >= threshold).Cast<int?>().FirstOrDefault();
            if (hit is { } earliest) detected++;
            raw += hit is { } at ? profile.TruePositive * Sigmoid(-(last - at + 1) / (double)width) / Sigmoid(-1) : -profile.FalseNegative;
        }

        for (var sample = probation; sample < series.Scores.Count; sample++)
        {
            if (series.Scores[sample] < threshold || series.Windows.Any(window => sample >= window.First && sample <= window.Last)) continue;
            falsePositives++;
            var before = series.Windows.Where(window => window.Last < sample).Cast<(int First, int Last)?>().LastOrDefault();
            var distance = before is { } window ? (sample - window.Last) / (double)Math.Max(1, window.Last - window.First) : FarBehind;
            raw += profile.FalsePositive * Sigmoid(distance);
        }

        return new NabResult(threshold, raw, double.NaN, counted, detected, falsePositives);
    }

    private static NabResult Sum(double threshold, List<NabResult> results, IReadOnlyList<NabSeries> corpus, NabProfile profile)
    {
        var windows = corpus.Sum(series => series.Windows.Count);
        if (windows == 0) throw new ArgumentException("No series has a labelled window.", nameof(corpus));
        var raw = results.Sum(result => result.Raw);
        var nothing = -profile.FalseNegative * windows;
        var perfect = profile.TruePositive * windows;
        return new NabResult(threshold, raw, 100 * (raw - nothing) / (perfect - nothing), windows, results.Sum(result => result.Detected), results.Sum(result => result.FalsePositives));
    }

    // 1 well before the right edge of a window, 0 at it, -1 far behind it.
    private static double Sigmoid(double position) => position >= FarBehind ? -1 : (2 / (1 + Math.Exp(5 * position))) - 1;
}
