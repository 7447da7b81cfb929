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
    public static NabResult Best(IReadOnlyList<NabSeries> corpus, NabProfile? profile = null)
    {
        profile ??= NabProfile.Standard;
        var samples = corpus.SelectMany((series, number) => Weigh(series, profile).Select(sample => (sample.Score, Window: (number, sample.Window), sample.Weight))).OrderByDescending(sample => sample.Score).ToList();
        var windows = new Dictionary<(int, int), double>();
        var (threshold, most, sum) = (double.PositiveInfinity, 0.0, 0.0);
        foreach (var (index, sample) in samples.Index())
        {
            if (sample.Window.Window < 0)
            {
                sum += sample.Weight;
            }
            else
            {
                // A missed window costs, so finding it gains that as well; its earliest detection weighs most.
                var before = windows.GetValueOrDefault(sample.Window, -profile.FalseNegative);
                windows[sample.Window] = Math.Max(before, sample.Weight);
                sum += windows[sample.Window] - before;
            }

            // Equal scores are on the same side of every threshold.
            if (index + 1 < samples.Count && samples[index + 1].Score == sample.Score) continue;
            if (sum > most) (threshold, most) = (sample.Score, sum);
        }

        return At(threshold, corpus, profile);
    }

    /// <summary>Samples at the begin of a series that do not count.</summary>
    public static int ProbationOf(NabSeries series) => (int)Math.Min(Math.Floor(Probation * series.Scores.Count), Probation * LongestCounted);

    /// <summary>Score of one series.</summary>
    /// <exception cref="ArgumentException">A window lies outside the series.</exception>
    public static NabResult Of(double threshold, NabSeries series, NabProfile profile)
    {
        if (series.Windows.Any(window => window.First < 0 || window.Last < window.First || window.Last >= series.Scores.Count))
            throw new ArgumentException($"A window of {series.Name} lies outside its {series.Scores.Count} samples.", nameof(series));
        var probation = ProbationOf(series);
        var detected = Weigh(series, profile).Where(sample => sample.Score >= threshold).ToList();
        var hits = detected.Where(sample => sample.Window >= 0).GroupBy(sample => sample.Window).Select(window => window.Max(sample => sample.Weight)).ToList();
        var wrong = detected.Where(sample => sample.Window < 0).ToList();
        var counted = series.Windows.Count(window => window.Last >= probation);
        return new NabResult(threshold, hits.Sum() + wrong.Sum(sample => sample.Weight) - (profile.FalseNegative * (counted - hits.Count)), double.NaN, counted, hits.Count, wrong.Count);
    }

    // What each sample that counts adds if it is a detection; window -1 is outside.
    private static IEnumerable<(double Score, int Window, double Weight)> Weigh(NabSeries series, NabProfile profile)
    {
        var next = 0;
        for (var sample = 0; sample < series.Scores.Count; sample++)
        {
            while (next < series.Windows.Count && series.Windows[next].Last < sample) next++;
            if (sample < ProbationOf(series)) continue;
            if (next < series.Windows.Count && sample >= series.Windows[next].First)
            {
                var (first, last) = series.Windows[next];
                yield return (series.Scores[sample], next, profile.TruePositive * Sigmoid(-(last - sample + 1) / (double)(last - first + 1)) / Sigmoid(-1));
            }
            else
            {
                var distance = next == 0 ? FarBehind : (sample - series.Windows[next - 1].Last) / (double)Math.Max(1, series.Windows[next - 1].Last - series.Windows[next - 1].First);
                yield return (series.Scores[sample], -1, profile.FalsePositive * Sigmoid(distance));
            }
        }
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
