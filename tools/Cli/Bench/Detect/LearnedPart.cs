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
    // Where a plane with the test labels in its hand does better than this, the set is easy for planes, and an upper bound of them is no bar for who has not seen a label.
    private const double YardstickCountsBelow = 0.5;

    // So many samples are enough for each step of training, if there are few.
    private const int LeastSamples = 32;

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
        var results = sets.Select(Mean).ToList();
        return new Measured(
            [.. sets.SelectMany(set => new[] { Row(set, "anomaly of a machine", machine => machine.AtQuantile), Row(set, "the same, 1 false alarm a day on train data", machine => machine.AtOneADay) })],
            [.. results.Where(set => set.Yardstick < YardstickCountsBelow)
                .Select(set => new Bar($"{set.Set}: mean point-wise F1 above that of PCA picked on the test labels", $"{set.F1:0.000} against {set.Yardstick:0.000}", set.F1 > set.Yardstick))],
            new LearnedDetails(results, machines),
            [.. machines.Select(machine => machine.Plot)]);
    }

    // Where nothing is labelled there is nothing to find, and F1 says nothing.
    private static SetResult Mean(IGrouping<string, MachineResult> set)
    {
        var labelled = set.Where(machine => machine.AtQuantile.Labelled > 0).ToList();
        return labelled.Count == 0
            ? new SetResult(set.Key, 0, null, null, null, null)
            : new SetResult(
                set.Key, labelled.Count, labelled.Average(machine => machine.Precision), labelled.Average(machine => machine.Recall), labelled.Average(machine => machine.F1), labelled.Average(machine => machine.YardstickF1));
    }

    private static ScorecardRow Row(IGrouping<string, MachineResult> set, string fault, Func<MachineResult, EventCounts> at)
    {
        var all = set.Select(at).ToList();
        var delays = all.SelectMany(one => one.DelaysInSeconds).Order().ToList();
        return new ScorecardRow(
            set.Key, MetricModel.Name, fault, all.Sum(one => one.Labelled), all.Sum(one => one.Detected), all.Sum(one => one.FalseAlarms), ScorecardRow.Rate(all.Sum(one => one.FalseAlarms), set.Sum(machine => machine.TestDays)),
            delays.Count == 0 ? null : Durations.Text(TimeSpan.FromSeconds(delays[delays.Count / 2])));
    }

    private static MachineResult Measure(string folder, string train, TimeSpan interval, string? models)
    {
        var name = Path.GetFileName(train)[..^"_train.csv.gz".Length];
        var normal = Filled(Tables.Numbers(train));
        var test = Tables.Numbers(DetectionData.Required(folder, $"{name}_test.csv.gz"));
        var labels = File.ReadLines(DetectionData.Required(folder, $"{name}_test_label.txt")).Where(line => line.Trim().Length > 0).Select(line => double.Parse(line, CultureInfo.InvariantCulture) != 0).ToList();
        if (test[0].Length != normal[0].Length) throw new BadInputException($"{folder}: {name} has {normal[0].Length} metrics to learn from and {test[0].Length} to judge.");
        if (labels.Count != test.Count) throw new BadInputException($"{folder}: {name} has {test.Count} samples and {labels.Count} labels.");

        var model = Learn(name, train, normal, interval, models);
        var version = MetricModelFile.Version(model);
        var scores = model.Score(test);
        var flags = scores.Select(score => score.Score > model.Threshold).ToList();
        var points = PointScore.Of(flags, labels);
        var day = (int)Math.Max(1, TimeSpan.FromDays(1) / interval);
        var oneADay = model.ThresholdFor(1, day);
        var findings = EventScore.Runs(flags).Select(run => model.Judge(name, run.First, scores[run.First], version)).OfType<Finding>().ToList();
        var (explained, explainable) = Explain(folder, name, flags, labels, scores);
        return new MachineResult(
            Path.GetFileName(folder), name, version, normal[0].Length, test.Count * interval.TotalDays, model.Threshold, oneADay, points.Precision, points.Recall, points.F1, PcaYardstick.UpperBound(normal, test, labels),
            EventCounts.Of(EventScore.Of(flags, labels), interval), EventCounts.Of(EventScore.Of([.. scores.Select(score => score.Score > oneADay)], labels), interval), explained, explainable, [.. findings.Take(20)],
            new ScorePlot($"{Path.GetFileName(folder)}-{name}", $"{name}: learned metrics", [.. scores.Select(score => score.Score)], model.Threshold, EventScore.Runs(labels)));
    }

    // Machines of these sets do different work: each is a class of its own.
    private static MetricModel Learn(string name, string train, List<double[]> normal, TimeSpan interval, string? models)
    {
        var settings = new MetricModelSettings { Interval = interval };
        if (normal.Count < LeastSamples) throw new BadInputException($"{train} has {normal.Count} samples to learn from; {LeastSamples} are the least.");
        settings = settings with { Batch = Math.Min(settings.Batch, normal.Count / settings.Folds) };
        try
        {
            var model = MetricTraining.Train(name, MetricNames.Beside(train, normal[0].Length), normal, settings);
            if (models is not null) MetricModelFile.Save(model, models);
            return model;
        }
        catch (Exception unfit) when (unfit is ArgumentException or SettingsException)
        {
            throw new BadInputException($"{train}: {unfit.Message.Split(" (Parameter", 2)[0]}");
        }
    }

    // What was not measured was what it was before.
    private static List<double[]> Filled(List<double[]> samples)
    {
        for (var metric = 0; metric < samples[0].Length; metric++)
        {
            var first = samples.Find(sample => double.IsFinite(sample[metric]));
            var last = first is null ? 0 : first[metric];
            foreach (var sample in samples) last = sample[metric] = double.IsFinite(sample[metric]) ? sample[metric] : last;
        }

        return samples;
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
    string Set, string Machine, string Model, int Metrics, double TestDays, double Threshold, double ThresholdForOneADay, double Precision, double Recall, double F1, double YardstickF1, EventCounts AtQuantile, EventCounts AtOneADay,
    int Explained, int Explainable, IReadOnlyList<Finding> FirstFindings, [property: JsonIgnore] ScorePlot Plot);

/// <summary>Means over the machines of a set that have labelled samples; null where none has. The yardstick is PCA, picked on the test labels.</summary>
internal sealed record SetResult(string Set, int Machines, double? Precision, double? Recall, double? F1, double? Yardstick);

internal sealed record LearnedDetails(IReadOnlyList<SetResult> Sets, IReadOnlyList<MachineResult> Machines);
