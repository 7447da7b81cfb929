using System.Globalization;
using TrainMover.Cli.CommandLine;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Jobs;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>
/// Incidents of a real job. Step times and losses around an incident are replayed as they were logged; a hang, of which a log shows nothing, is replayed as the silence that was noted:
/// steps at their logged pace, with evaluations and checkpoints as long as the job had them, then nothing for the hours that were lost.
/// </summary>
internal static class IncidentPart
{
    private const int EvaluationEvery = 1000;
    private const int CheckpointEvery = 100;
    private const int HealthyEvaluations = 3;
    private static readonly TimeSpan Evaluation = TimeSpan.FromMinutes(12);
    private static readonly TimeSpan Checkpoint = TimeSpan.FromSeconds(40);

    public static Measured Run(IReadOnlyList<string> folders, IProgress<string> progress)
    {
        var results = folders.SelectMany(folder =>
        {
            progress.Report($"incidents of {Path.GetFileName(folder)}");
            return Replay(folder);
        }).ToList();
        return new Measured(
            [.. results.GroupBy(result => (result.Detector, result.Fault)).Select(group => Row(group.Key.Detector, group.Key.Fault, [.. group]))],
            [.. results.Select(result => new Bar($"{result.Name}: {(result.IsFault ? "raised" : "not raised")}", result.Seen, result.AsExpected))],
            results,
            []);
    }

    private static ScorecardRow Row(string detector, string fault, IReadOnlyList<IncidentResult> results)
    {
        var delays = results.Where(result => result.IsFault).Select(result => result.Delay).OfType<TimeSpan>().Order().ToList();
        return new ScorecardRow(
            "incidents of a job", detector, fault, results.Count(result => result.IsFault), results.Count(result => result is { IsFault: true, Raised: true }), results.Sum(result => result.FalseAlarms), null,
            delays.Count == 0 ? null : Durations.Text(delays[delays.Count / 2]));
    }

    private static IEnumerable<IncidentResult> Replay(string folder)
    {
        var iterations = Tables.Named(DetectionData.Required(folder, "iterations.csv"))
            .Select(row => new LoggedIteration(row.Text("section"), row.Whole("iteration"), row.Number("elapsed_s"), row.Number("lm_loss"))).ToList();
        var incidents = Tables.Named(Path.Combine(folder, "incidents.csv"))
            .Select(row => new Incident(row.Text("date"), row.Text("iteration"), row.Text("class"), row.Text("lost_hours"), row.Text("chronicle_section"))).ToList();
        var pace = iterations.Count > 0 ? iterations[0].Seconds : throw new BadInputException($"{folder}/iterations.csv is empty.");
        foreach (var incident in incidents)
        {
            if (incident.Class.StartsWith("hang", StringComparison.Ordinal)) yield return Hang(incident, pace);
            if (incident.Class.StartsWith("fail-slow", StringComparison.Ordinal)) yield return FailSlow(incident, iterations);
            if (incident.Class.StartsWith("loss", StringComparison.Ordinal)) yield return Loss(incident, iterations);
        }
    }

    private static IncidentResult Hang(Incident incident, double pace)
    {
        var watch = new HangWatch();
        var now = TimeSpan.Zero;
        var falseAlarms = new List<Finding>();
        // Whoever waits for the deadline looks exactly then; looking just before the next progress finds whatever was overdue in between.
        void Enter(string phase, long iteration, TimeSpan after)
        {
            now += after;
            if (watch.Look(now) is { } early) falseAlarms.Add(early);
            watch.Entered(phase, iteration, now);
        }

        for (var iteration = 1; iteration < HealthyEvaluations * EvaluationEvery; iteration++)
        {
            Enter("step", iteration, TimeSpan.FromSeconds(pace));
            if (iteration % CheckpointEvery == 0)
            {
                Enter("checkpoint", iteration, TimeSpan.FromSeconds(pace));
                Enter("step", iteration, Checkpoint);
            }

            if (iteration % EvaluationEvery != 0) continue;
            Enter("evaluation", iteration, TimeSpan.FromSeconds(pace));
            Enter("step", iteration, Evaluation);
        }

        Enter("evaluation", HealthyEvaluations * EvaluationEvery, TimeSpan.FromSeconds(pace));
        var deadline = watch.Deadline!.Value - now;
        var silence = TimeSpan.FromHours(double.TryParse(incident.LostHours, CultureInfo.InvariantCulture, out var hours) ? hours : 3);
        var finding = deadline <= silence ? watch.Look(now + deadline) : null;
        return new IncidentResult(Name(incident), HangWatch.Name, "hang", true, finding is not null, falseAlarms.Count, finding is null ? null : deadline, finding is null ? "nothing" : $"raised after {Durations.Text(deadline)} of {silence.TotalHours:0.#} h", [.. falseAlarms, .. finding is null ? Array.Empty<Finding>() : [finding]]);
    }

    private static IncidentResult FailSlow(Incident incident, IReadOnlyList<LoggedIteration> iterations)
    {
        var watch = new JobSlowdown();
        var (early, raised) = (new List<Finding>(), (Finding?)null);
        if (!int.TryParse(incident.Iteration, CultureInfo.InvariantCulture, out var begin)) throw new BadInputException($"The incident of {incident.Date} ({incident.Class}) says no iteration at which it began.");
        var delay = TimeSpan.Zero;
        foreach (var iteration in iterations.OrderBy(iteration => iteration.Number))
        {
            var finding = watch.Observe(iteration.Number, iteration.Seconds);
            if (iteration.Number >= begin && raised is null) delay += TimeSpan.FromSeconds(iteration.Seconds);
            if (finding is not { Kind: FindingKind.SlowJob }) continue;
            if (iteration.Number < begin) early.Add(finding);
            else raised ??= finding;
        }

        return new IncidentResult(Name(incident), JobSlowdown.Name, "slow job", true, raised is not null, early.Count, raised is null ? null : delay, raised?.Reason ?? "nothing", [.. early, .. raised is null ? Array.Empty<Finding>() : [raised]]);
    }

    private static IncidentResult Loss(Incident incident, IReadOnlyList<LoggedIteration> iterations)
    {
        var watch = new LossWatch();
        var findings = iterations.Where(iteration => iteration.Section.Length > 0 && incident.Section.StartsWith(iteration.Section, StringComparison.Ordinal))
            .OrderBy(iteration => iteration.Number).Select(iteration => watch.Observe(iteration.Number, iteration.Loss)).OfType<Finding>().Where(finding => finding.Kind == FindingKind.LossCorruption).ToList();
        // A spike that healed by itself is no fault.
        var isFault = incident.LostHours is not ("0" or "");
        return new IncidentResult(
            Name(incident), LossWatch.Name, "corrupt loss", isFault, findings.Count > 0, isFault ? 0 : findings.Count, null, findings.Count == 0 ? $"nothing; {(watch.SpikeSince is null ? "healed" : "still open")} at the end of the log" : findings[0].Reason, findings);
    }

    private static string Name(Incident incident) => $"{incident.Date} {incident.Class}";

    private sealed record LoggedIteration(string Section, int Number, double Seconds, double Loss);

    private sealed record Incident(string Date, string Iteration, string Class, string LostHours, string Section);

    private sealed record IncidentResult(string Name, string Detector, string Fault, bool IsFault, bool Raised, int FalseAlarms, TimeSpan? Delay, string Seen, IReadOnlyList<Finding> Findings)
    {
        public bool AsExpected => IsFault == Raised && FalseAlarms == 0;
    }
}
