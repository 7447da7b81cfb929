using System.Text.RegularExpressions;
using TrainMover.Cli.CommandLine;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Statistics;
using TrainMover.Detection.Stragglers;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>Times of the workers of a job, iteration by iteration, replayed as if they came in live.</summary>
internal static partial class WorkerTimesPart
{
    // The begin of a straggler is not labelled: the first iteration in which the labelled worker is this much slower than the median of all.
    private const double BeginsAt = 1.25;
    private const int AllowedDelay = 10;

    public static Measured Run(IReadOnlyList<string> folders, IProgress<string> progress)
    {
        var jobs = folders.SelectMany(folder => Directory.GetFiles(folder, "*job_*_norm.csv").Order(StringComparer.Ordinal)).Select(path =>
        {
            progress.Report($"times of workers: {Path.GetFileNameWithoutExtension(path)}");
            return Replay(path);
        }).ToList();
        var labelled = jobs.Where(job => job.IsLabelled).ToList();
        var delays = labelled.Where(job => job.Delay is not null).Select(job => job.Delay!.Value).ToList();
        return new Measured(
            [
                new ScorecardRow(
                    "times of workers", PeerSlowdown.Name, "straggler", labelled.Sum(job => job.Stragglers.Count), labelled.Sum(job => job.Found.Distinct(StringComparer.Ordinal).Count(job.Stragglers.Contains)),
                    labelled.Sum(job => job.Found.Count(worker => !job.Stragglers.Contains(worker))), null, delays.Count == 0 ? null : $"{delays.Order().ElementAt(delays.Count / 2)} iterations"),
            ],
            [
                .. labelled.Select(job => new Bar(
                    job.Stragglers.Count == 0 ? $"{job.Name}: nobody is raised" : $"{job.Name}: worker {string.Join(", ", job.Stragglers)} within {AllowedDelay} iterations, no other",
                    job.Found.Count == 0 ? "nobody" : $"worker {string.Join(", ", job.Found)}{(job.Delay is { } delay ? $" after {delay} iterations" : "")}",
                    job.Found.SequenceEqual(job.Stragglers) && (job.Stragglers.Count == 0 || job.Delay <= AllowedDelay))),
            ],
            jobs,
            [.. jobs.SelectMany(job => job.Plots)]);
    }

    private static JobResult Replay(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        var (isLabelled, stragglers) = Labels(path);
        // A worker that reported an iteration twice counts with the mean.
        var iterations = Tables.Named(path).Select(row => (Worker: row.Text("worker"), Iteration: row.Whole("time"), Time: row.Number("batch_time_norm"))).ToList()
            .GroupBy(row => row.Iteration).OrderBy(iteration => iteration.Key)
            .Select(iteration => (Number: iteration.Key, Times: iteration.GroupBy(row => row.Worker, StringComparer.Ordinal).ToDictionary(worker => worker.Key, worker => worker.Average(row => row.Time), StringComparer.Ordinal)))
            .Where(iteration => iteration.Times.Values.All(time => time > 0)).ToList();
        var detector = new PeerSlowdown();
        var findings = new List<Finding>();
        var scores = new List<double>();
        foreach (var (number, times) in iterations)
        {
            findings.AddRange(detector.Observe(number, times));
            scores.Add(detector.Scores.Values.DefaultIfEmpty().Max());
        }

        var found = findings.Where(finding => finding.Kind == FindingKind.SlowWorker).ToList();
        int? begin = stragglers.Count == 0 ? null : iterations.FindIndex(iteration => iteration.Times.TryGetValue(stragglers[0], out var time) && time >= BeginsAt * Robust.Median(iteration.Times.Values));
        var raised = found.FirstOrDefault(finding => stragglers.Contains(finding.Subject));
        return new JobResult(
            name, isLabelled, stragglers, [.. found.Select(finding => finding.Subject)],
            begin is >= 0 and var first && raised is not null ? raised.At - iterations[first].Number : null, findings,
            [new ScorePlot(name, $"{name}: slowness added up (1 raises)", scores, 1, begin is >= 0 and var from ? [(from, Math.Min(scores.Count - 1, from + 12))] : [])]);
    }

    // The labels are the observations in the folder's description, one section per file.
    private static (bool IsLabelled, List<string> Stragglers) Labels(string path)
    {
        var file = Path.GetFileName(path);
        var description = Directory.GetFiles(Path.GetDirectoryName(path)!, "*README*").Order(StringComparer.Ordinal).FirstOrDefault()
            ?? throw new BadInputException($"{Path.GetDirectoryName(path)} has no README, which labels the jobs.");
        var section = File.ReadAllText(description).Split("\n## ").FirstOrDefault(text => file.EndsWith(text.Split('\n')[0].Trim(), StringComparison.Ordinal));
        var observation = section is null ? null : Observation().Match(section) is { Success: true } match ? match.Groups["text"].Value : null;
        if (observation is null) return (false, []);
        var named = NamedStraggler().Matches(observation).Select(match => match.Groups["worker"].Value).ToList();
        // "There could be stragglers" says neither yes nor no.
        return named.Count > 0 ? (true, named) : (!observation.Contains("straggler", StringComparison.OrdinalIgnoreCase), []);
    }

    [GeneratedRegex(@"Observation:\s*(?<text>.+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Observation();

    [GeneratedRegex(@"[Ss]traggler \(worker (?<worker>\d+)\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamedStraggler();

    private sealed record JobResult(
        string Name, bool IsLabelled, IReadOnlyList<string> Stragglers, IReadOnlyList<string> Found, long? Delay, IReadOnlyList<Finding> Findings,
        [property: System.Text.Json.Serialization.JsonIgnore] IReadOnlyList<ScorePlot> Plots);
}
