using Spectre.Console;
using TrainMover.Cli.CommandLine;
using TrainMover.Detection.Campaigns;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>Every detector on real data and in fault campaigns, with the truth kept apart from it.</summary>
internal static class DetectBench
{
    public static DetectResult Run(string root, string? models, ulong seed, IProgress<string> progress)
    {
        var data = DetectionData.In(root);
        var traces = StragglerPart.Run(data.Traces, progress);
        var workers = WorkerTimesPart.Run(data.Workers, progress);
        var incidents = IncidentPart.Run(data.Incidents, progress);
        var series = SeriesPart.Run(data.Series, progress);
        var learned = LearnedPart.Run(data.Machines, root, models, progress);
        var campaign = CampaignPart.Run(seed, progress);
        Measured[] parts = [traces, workers, incidents, series, learned, campaign];
        return new DetectResult(
            [.. parts.SelectMany(part => part.Rows)], [.. parts.SelectMany(part => part.Bars)], traces.Details, workers.Details, incidents.Details, series.Details, (LearnedDetails)learned.Details, (CampaignResult)campaign.Details,
            [.. parts.SelectMany(part => part.Plots)]);
    }

    public static void Tell(Output output, DetectResult result)
    {
        var table = Output.Table("data", "detector", "fault", "faults", "found", "precision", "recall", "false alarms", "per machine-day", "median delay", "p90");
        foreach (var row in result.Scorecard)
        {
            table.Row(
                row.Data, row.Detector, row.Fault, $"{row.Faults}", $"{row.Found}", Part(row.Precision), Part(row.Recall), $"{row.FalseAlarms}",
                row.FalseAlarmsPerMachineDay is { } rate ? $"{rate:0.00}" : "", row.MedianDelay ?? "", row.HighDelay ?? "");
        }

        output.Console.Write(table);
        var machines = Output.Table("set", "machine", "point-wise precision", "recall", "F1", "PCA, picked on the labels", "events found", "explained", "at 1 false alarm a day: events found", "false alarms a day");
        foreach (var machine in result.Learned.Machines)
        {
            machines.Row(
                machine.Set, machine.Machine, $"{machine.Precision:0.00}", $"{machine.Recall:0.00}", $"{machine.F1:0.000}", $"{machine.YardstickF1:0.000}", $"{machine.AtQuantile.Detected} of {machine.AtQuantile.Labelled}",
                $"{machine.Explained} of {machine.Explainable}", $"{machine.AtOneADay.Detected} of {machine.AtOneADay.Labelled}", $"{ScorecardRow.Rate(machine.AtOneADay.FalseAlarms, machine.TestDays):0.00}");
        }

        foreach (var set in result.Learned.Sets) machines.Row(set.Set, "mean", $"{set.Precision:0.00}", $"{set.Recall:0.00}", $"{set.F1:0.000}", $"{set.Yardstick:0.000}", "", "", "", "");
        output.Console.Write(machines);
        output.Line($"Fault campaign of seed {result.Campaign.Seed}: {result.Campaign.Types.Sum(type => type.Runs)} runs with a fault or what looks like one, {result.Campaign.HealthyRuns} healthy ones. --seed repeats or changes it.");
        foreach (var bar in result.Bars) output.Line($"{bar.Name}: {(bar.Met ? "met" : "NOT MET")} ({bar.Seen.TrimEnd('.')})");
        static string Part(double? value) => value is { } part ? $"{part:0.00}" : "";
    }
}

internal sealed record DetectResult(
    IReadOnlyList<ScorecardRow> Scorecard, IReadOnlyList<Bar> Bars, object Traces, object Workers, object Incidents, object Series, LearnedDetails Learned, CampaignResult Campaign,
    [property: System.Text.Json.Serialization.JsonIgnore] IReadOnlyList<ScorePlot> Plots)
{
    public bool AllMet => Bars.All(bar => bar.Met);
}
