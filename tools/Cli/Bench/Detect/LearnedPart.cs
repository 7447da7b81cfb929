using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using TrainMover.Cli.CommandLine;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Learned;
using TrainMover.Detection.Metrics;
using TrainMover.Detection.Scoring;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>Metrics of machines: a model learns from the train part what is normal, and scores the test part; thresholds come from the train part alone.</summary>
internal static partial class LearnedPart
{
    // The yardstick of the data: PCA with its threshold picked on the test labels, on the harder of the two sets. It is for sets of this kind only.
    private const double YardstickF1 = 0.38;
    private const int YardstickMetrics = 19;

    private const int Explaining = 3;

    public static Measured Run(IReadOnlyList<string> folders, string dataRoot, string? models, IProgress<string> progress)
    {
        var machines = new List<MachineResult>();
        foreach (var folder in folders)
        {
            var interval = Interval(folder, dataRoot);
            foreach (var train in Directory.GetFiles(folder, "*_train.csv.gz").Order(StringComparer.Ordinal))
            {
                progress.Report($"learning what is normal for {Path.GetFileName(train)[..^"_train.csv.gz".Length]}");
                machines.Add(Measure(folder, train, interval, models));
            }
        }

        var sets = machines.GroupBy(machine => machine.Set, StringComparer.Ordinal).ToList();
        return new Measured(
            [.. sets.SelectMany(set => new[] { Row(set, "anomaly of a machine", machine => machine.AtQuantile), Row(set, "the same, 1 false alarm a day on train data", machine => machine.AtOneADay) })],
            [.. sets.Where(set => set.All(machine => machine.Metrics == YardstickMetrics))
                .Select(set => new Bar($"{set.Key}: mean point-wise F1 above {YardstickF1}", $"{set.Average(machine => machine.F1):0.000}", set.Average(machine => machine.F1) > YardstickF1))],
            new LearnedDetails([.. sets.Select(set => new SetResult(set.Key, set.Average(machine => machine.Precision), set.Average(machine => machine.Recall), set.Average(machine => machine.F1)))], machines),
            [.. machines.Select(machine => machine.Plot)]);
    }

    private static ScorecardRow Row(IGrouping<string, MachineResult> set, string fault, Func<MachineResult, EventCounts> at)
    {
        var all = set.Select(at).ToList();
        var delays = all.SelectMany(one => one.DelaysInSeconds).Order().ToList();
        return new ScorecardRow(
            set.Key, MetricModel.Name, fault, all.Sum(one => one.Labelled), all.Sum(one => one.Detected), all.Sum(one => one.FalseAlarms), all.Sum(one => one.FalseAlarms) / set.Sum(machine => machine.TestDays),
            delays.Count == 0 ? null : Durations.Text(TimeSpan.FromSeconds(delays[delays.Count / 2])));
    }

    private static MachineResult Measure(string folder, string train, TimeSpan interval, string? models)
    {
        var name = Path.GetFileName(train)[..^"_train.csv.gz".Length];
        var normal = Tables.Numbers(train);
        var test = Tables.Numbers(DetectionData.Required(folder, $"{name}_test.csv.gz"));
        var labels = File.ReadLines(DetectionData.Required(folder, $"{name}_test_label.txt")).Where(line => line.Trim().Length > 0).Select(line => double.Parse(line, CultureInfo.InvariantCulture) != 0).ToList();
        if (test[0].Length != normal[0].Length) throw new BadInputException($"{folder}: {name} has {normal[0].Length} metrics to learn from and {test[0].Length} to judge.");
        if (labels.Count != test.Count) throw new BadInputException($"{folder}: {name} has {test.Count} samples and {labels.Count} labels.");

        // Machines of these sets do different work: each is a class of its own.
        var model = MetricTraining.Train(name, MetricNames.Beside(train, normal[0].Length), normal, new MetricModelSettings { Interval = interval });
        var version = MetricModelFile.Version(model);
        if (models is not null) MetricModelFile.Save(model, models);
        var scores = model.Score(test);
        var flags = scores.Select(score => score.Score > model.Threshold).ToList();
        var points = PointScore.Of(flags, labels);
        var day = (int)(TimeSpan.FromDays(1) / interval);
        var oneADay = model.ThresholdFor(1, day);
        var findings = EventScore.Runs(flags).Select(run => model.Judge(name, run.First, scores[run.First], version)).OfType<Finding>().ToList();
        var (explained, explainable) = Explain(folder, name, flags, labels, scores);
        return new MachineResult(
            Path.GetFileName(folder), name, version, normal[0].Length, test.Count * interval.TotalDays, model.Threshold, oneADay, points.Precision, points.Recall, points.F1,
            EventCounts.Of(EventScore.Of(flags, labels), interval), EventCounts.Of(EventScore.Of([.. scores.Select(score => score.Score > oneADay)], labels), interval), explained, explainable, [.. findings.Take(20)],
            new ScorePlot($"{Path.GetFileName(folder)}-{name}", $"{name}: learned metrics", [.. scores.Select(score => score.Score)], model.Threshold, EventScore.Runs(labels)));
    }

    // How often one of the three metrics that surprise most when an event is first flagged is among those that the labels name.
    private static (int Explained, int Explainable) Explain(string folder, string name, List<bool> flags, List<bool> labels, IReadOnlyList<MetricScore> scores)
    {
        var path = Path.Combine(folder, $"{name}_interpretation_label.txt");
        if (!File.Exists(path)) return (0, 0);
        var named = File.ReadLines(path).Select(line => Interpretation().Match(line)).Where(match => match.Success)
            .Select(match => (First: int.Parse(match.Groups["first"].Value), Last: int.Parse(match.Groups["last"].Value), Metrics: match.Groups["metrics"].Value.Split(',').Select(int.Parse).ToHashSet())).ToList();
        var (explained, explainable) = (0, 0);
        foreach (var (first, last) in EventScore.Runs(labels))
        {
            if (Enumerable.Range(first, last - first + 1).Where(sample => flags[sample]).Cast<int?>().FirstOrDefault() is not { } hit) continue;
            var metrics = named.Where(segment => segment.First <= last + 1 && segment.Last >= first).SelectMany(segment => segment.Metrics).ToHashSet();
            if (metrics.Count == 0) continue;
            explainable++;
            if (scores[hit].Surprises.Index().OrderByDescending(metric => metric.Item).Take(Explaining).Any(metric => metrics.Contains(metric.Index + 1))) explained++;
        }

        return (explained, explainable);
    }

    // Samples carry no time: interval.txt (seconds) in the folder tells it, else the description of the data folder, else it is a minute.
    private static TimeSpan Interval(string folder, string root)
    {
        var own = Path.Combine(folder, "interval.txt");
        if (File.Exists(own))
        {
            return double.TryParse(File.ReadAllText(own).Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds > 0
                ? TimeSpan.FromSeconds(seconds)
                : throw new BadInputException($"{own} holds the seconds between two samples, a positive number.");
        }

        var description = Path.Combine(root, "README.md");
        var line = File.Exists(description) ? File.ReadLines(description).FirstOrDefault(text => text.Contains($"`{Path.GetFileName(folder)}/`", StringComparison.Ordinal)) : null;
        return line is not null && Minutes().Match(line) is { Success: true } match ? TimeSpan.FromMinutes(int.Parse(match.Groups["minutes"].Value)) : TimeSpan.FromMinutes(1);
    }

    [GeneratedRegex(@"(?<minutes>\d+)-minute samples", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Minutes();

    [GeneratedRegex(@"^(?<first>\d+)-(?<last>\d+):(?<metrics>[\d,]+)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Interpretation();
}

/// <summary>Events of one machine at one threshold.</summary>
internal sealed record EventCounts(int Labelled, int Detected, int FalseAlarms, IReadOnlyList<double> DelaysInSeconds)
{
    public static EventCounts Of(EventScore score, TimeSpan interval) => new(score.Events, score.Detected, score.FalseAlarms, [.. score.Delays.Select(delay => delay * interval.TotalSeconds)]);
}

/// <summary>One machine, point by point and event by event.</summary>
internal sealed record MachineResult(
    string Set, string Machine, string Model, int Metrics, double TestDays, double Threshold, double ThresholdForOneADay, double Precision, double Recall, double F1, EventCounts AtQuantile, EventCounts AtOneADay,
    int Explained, int Explainable, IReadOnlyList<Finding> FirstFindings, [property: JsonIgnore] ScorePlot Plot);

/// <summary>Means over the machines of a set.</summary>
internal sealed record SetResult(string Set, double Precision, double Recall, double F1);

internal sealed record LearnedDetails(IReadOnlyList<SetResult> Sets, IReadOnlyList<MachineResult> Machines);
