using TrainMover.Detection.Campaigns;
using TrainMover.Detection.Campaigns.Fleet;
using TrainMover.Detection.Campaigns.Manifest;
using TrainMover.Detection.Campaigns.Scoring;
using TrainMover.Detection.Learned;
using TrainMover.Detection.Metrics;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>Seeded fault campaigns: simulated fleets, the detectors of the running Detector, and the truth kept apart from them.</summary>
internal static class CampaignPart
{
    private const double LeastRecall = 0.95;
    private const double LeastPrecision = 0.95;
    private const int NormalMachines = 4;
    private const int MostTold = 5;
    private static readonly TimeSpan NormalLength = TimeSpan.FromDays(1);

    public static Measured Run(ulong seed, IProgress<string> progress)
    {
        progress.Report("learning what is normal for simulated machines");
        var model = Learn(seed);
        progress.Report($"fault campaign of seed {seed}");
        var result = Campaign.Run(CampaignManifest.Draw(seed, Campaign.DefaultRuns, Campaign.HealthyRuns, Campaign.HealthyLength), new VersionedModel(MetricModelFile.Version(model), model));
        return new Measured(
            [
                .. result.Types.Select(Row),
                new ScorecardRow("campaign", "all", "none: healthy runs", 0, 0, result.HealthyAlarms.Count, ScorecardRow.Rate(result.HealthyAlarms.Count, result.HealthyMachineDays), null),
            ],
            [.. result.Types.Select(type => BarOf(type, result)), Healthy(result)],
            result,
            []);
    }

    private static MetricModel Learn(ulong seed)
    {
        var (metrics, samples) = SimulatedFleet.Normal(seed, NormalMachines, NormalLength);
        var model = MetricTraining.Train(Campaign.MachineClass, metrics, samples);
        return model.WithThreshold(model.ThresholdFor(0, 1));
    }

    private static ScorecardRow Row(TypeScore type) => new(
        "campaign", type.Kind.Detector, type.Kind.Name, type.Kind.IsFault ? type.Runs : 0, type.Found, type.FalseAlarms, ScorecardRow.Rate(type.FalseAlarms, type.MachineDays), type.MedianDelay is { } median ? Durations.Text(median) : null)
    {
        HighDelay = type.HighDelay is { } high ? Durations.Text(high) : null,
    };

    private static Bar BarOf(TypeScore type, CampaignResult result) => type.Kind.IsFault
        ? new Bar(
            $"campaign, {type.Kind.Name}: recall and precision of at least {LeastRecall}",
            $"{type.Found} of {type.Runs} found, {type.FalseAlarms} false{(type.Missed.Count == 0 ? "" : $"; missed in run {string.Join(", ", type.Missed.Take(MostTold))}")}{First(result, alarm => alarm.Cause == type.Kind.Cause)}",
            type.Recall >= LeastRecall && (type.Precision ?? 0) >= LeastPrecision)
        : new Bar($"campaign, {type.Kind.Name}: nothing raised", $"{type.FalseAlarms} in {type.Runs} runs{First(result, alarm => !alarm.OnlyRecorded && alarm.During?.Type == type.Kind.Type)}", type.FalseAlarms == 0);

    private static Bar Healthy(CampaignResult result) => new(
        "campaign, healthy runs: nothing raised", $"{result.HealthyAlarms.Count} in {result.HealthyMachineDays:0.#} machine-days{First(result, alarm => !alarm.OnlyRecorded && alarm.During is null)}", result.HealthyAlarms.Count == 0);

    private static string First(CampaignResult result, Func<FalseAlarm, bool> which) =>
        result.FalseAlarms.FirstOrDefault(which) is { } alarm ? $"; first in run {alarm.Run}: {alarm.Reason}" : "";
}
