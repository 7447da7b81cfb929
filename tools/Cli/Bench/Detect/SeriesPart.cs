using System.Globalization;
using System.Text.Json;
using TrainMover.Cli.CommandLine;
using TrainMover.Detection.Scoring;
using TrainMover.Detection.Streaming;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>Labelled series, each watched once from begin to end, scored as the Numenta Anomaly Benchmark does.</summary>
internal static class SeriesPart
{
    private const double LeastScore = 65;

    // With fewer windows in a category each of them is worth more than ten points: a score of that is chance.
    private const int LeastWindows = 10;

    // The threshold is the detector's own: a new record is an anomaly.
    private const double Threshold = 1;

    public static Measured Run(IReadOnlyList<string> folders, IProgress<string> progress)
    {
        var results = new List<CategoryResult>();
        var plots = new List<ScorePlot>();
        foreach (var folder in folders)
        {
            foreach (var category in Read(folder).GroupBy(series => series.Category, StringComparer.Ordinal).OrderBy(category => category.Key, StringComparer.Ordinal))
            {
                progress.Report($"series of {category.Key}");
                var watched = category.Select(series => (Series: series, Score: new NabSeries(series.Name, Watch(series.Values), series.Windows))).ToList();
                results.Add(Score(category.Key, watched));
                plots.AddRange(watched.Select(one => new ScorePlot(one.Series.Name.Replace('/', '-'), $"{one.Series.Name}: distance from the record", one.Score.Scores, Threshold, one.Series.Windows)));
            }
        }

        return new Measured(
            [.. results.Select(result => new ScorecardRow(
                result.Category, SeriesWatch.Name, "anomaly of a series", result.Windows, result.Detected, result.FalseAlarms, result.FalseAlarmsPerDay,
                result.MedianDelay is { } delay ? Durations.Text(delay) : null))],
            [.. results.Where(result => result is { Standard: not null, Windows: >= LeastWindows })
                .Select(result => new Bar($"{result.Category}: standard score of at least {LeastScore}", $"{result.Standard:0.00} at the detector's own threshold, {result.StandardOptimised:0.00} at the corpus' best ({result.OptimisedThreshold:0.000})", result.Standard >= LeastScore))],
            results,
            plots);
    }

    private static double[] Watch(IReadOnlyList<double> values)
    {
        var watch = new SeriesWatch();
        return [.. values.Select(value => watch.Observe(value).Score)];
    }

    private static CategoryResult Score(string category, List<(Series Series, NabSeries Score)> watched)
    {
        var corpus = watched.Select(one => one.Score).ToList();
        var hasWindows = corpus.Any(series => series.Windows.Count > 0);
        var own = hasWindows ? NabScore.At(Threshold, corpus) : null;
        var best = hasWindows ? NabScore.Best(corpus) : null;
        var perSeries = corpus.Select(series => NabScore.Of(Threshold, series, NabProfile.Standard)).ToList();
        var delays = watched.SelectMany(one => one.Series.Windows.Select(window => Delay(one.Series, one.Score, window)).OfType<TimeSpan>()).Order().ToList();
        var falseAlarms = perSeries.Sum(series => series.FalsePositives);
        var days = watched.Sum(one => (one.Series.Times[^1] - one.Series.Times[NabScore.ProbationOf(one.Score)]).TotalDays);
        return new CategoryResult(
            category, own?.Normalised, best?.Normalised, best is { Threshold: var threshold } && double.IsFinite(threshold) ? threshold : null, perSeries.Sum(series => series.Windows), perSeries.Sum(series => series.Detected), falseAlarms,
            ScorecardRow.Rate(falseAlarms, days), delays.Count == 0 ? null : delays[delays.Count / 2],
            [.. watched.Zip(perSeries, (one, score) => new SeriesResult(one.Series.Name, score.Raw, score.Windows, score.Detected, score.FalsePositives))]);
    }

    private static TimeSpan? Delay(Series series, NabSeries score, (int First, int Last) window) =>
        Enumerable.Range(window.First, window.Last - window.First + 1).Where(sample => sample >= NabScore.ProbationOf(score) && score.Scores[sample] >= Threshold).Cast<int?>().FirstOrDefault() is { } hit
            ? series.Times[hit] - series.Times[window.First]
            : null;

    private static IEnumerable<Series> Read(string folder)
    {
        using var labels = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "labels", "combined_windows.json")));
        var windows = labels.RootElement.EnumerateObject().ToDictionary(series => series.Name, series => series.Value.Clone(), StringComparer.Ordinal);
        var root = Path.Combine(folder, "data");
        if (!Directory.Exists(root)) throw new BadInputException($"{root} is missing: it holds the series that {folder} labels.");
        var files = Directory.GetFiles(root, "*.csv", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        if (files.Count == 0) throw new BadInputException($"{root} holds no series.");
        foreach (var path in files)
        {
            var name = Path.GetRelativePath(root, path).Replace('\\', '/');
            if (!windows.TryGetValue(name, out var labelled)) throw new BadInputException($"{name} has no entry in {folder}/labels/combined_windows.json.");
            var rows = Tables.Named(path).Select(row => (Time: Time(row.Text("timestamp")), Value: row.Measured("value"))).ToList();
            if (rows.Count == 0) throw new BadInputException($"{path} holds no samples.");
            var times = rows.Select(row => row.Time).ToList();
            yield return new Series(
                name, Path.GetDirectoryName(name) is { Length: > 0 } category ? category : "series", times, [.. rows.Select(row => row.Value)],
                [.. labelled.EnumerateArray().Select(Window).Order()]);

            // Windows may begin and end between samples.
            (int First, int Last) Window(JsonElement window)
            {
                var (from, to) = (Time(window[0].GetString()!), Time(window[1].GetString()!));
                var first = times.IndexOf(from) is >= 0 and var exact ? exact : times.FindIndex(time => time >= from);
                var last = times.IndexOf(to) is >= 0 and var end ? end : times.FindLastIndex(time => time <= to);
                return first >= 0 && last >= first ? (first, last) : throw new BadInputException($"The window of {name} from {from:s} to {to:s} holds no sample.");
            }
        }
    }

    private static DateTime Time(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);

    private sealed record Series(string Name, string Category, IReadOnlyList<DateTime> Times, IReadOnlyList<double> Values, IReadOnlyList<(int First, int Last)> Windows);

    private sealed record SeriesResult(string Name, double Raw, int Windows, int Detected, int FalsePositives);

    private sealed record CategoryResult(
        string Category, double? Standard, double? StandardOptimised, double? OptimisedThreshold, int Windows, int Detected, int FalseAlarms, double? FalseAlarmsPerDay, TimeSpan? MedianDelay,
        IReadOnlyList<SeriesResult> Series);
}
