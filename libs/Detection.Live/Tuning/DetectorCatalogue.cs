using TrainMover.Contracts.Detectors;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Jobs;
using TrainMover.Detection.Live.Learned;
using TrainMover.Detection.Live.Sources;
using TrainMover.Detection.Metrics;
using TrainMover.Detection.Stragglers;
using TrainMover.Domain;
using TrainMover.Domain.Detection;
using TrainMover.Telemetry.Devices;

namespace TrainMover.Detection.Live.Tuning;

/// <summary>Every detector of the running Detector.</summary>
public static class DetectorCatalogue
{
    /// <summary>Lost machines; its settings hold for the other detectors of silence as well.</summary>
    public static DetectorKind<DetectionOptions> MachineLoss { get; } = new(DetectorNames.MachineLoss, "agent and worker of a machine are silent; its times hold for agent-loss and worker-unreachable, too", options => options.BrokenRule());

    /// <summary>Silent agents.</summary>
    public static DetectorKind<NoSettings> AgentLoss { get; } = Plain(DetectorNames.AgentLoss, "an agent is silent while its worker trains on");

    /// <summary>Dead workers.</summary>
    public static DetectorKind<NoSettings> WorkerDeath { get; } = Plain(DetectorNames.WorkerDeath, "a worker process ended without being told to");

    /// <summary>Unreachable workers.</summary>
    public static DetectorKind<NoSettings> WorkerUnreachable { get; } = Plain(DetectorNames.WorkerUnreachable, "a worker process is there, and its peers do not hear from it");

    /// <summary>Notices and requests.</summary>
    public static DetectorKind<NoSettings> Notices { get; } = Plain(DetectorNames.Notices, "maintenance is announced, or an operator asks");

    /// <summary>Error codes; the rules themselves are a file.</summary>
    public static DetectorKind<ErrorCodeSettings> ErrorCodes { get; } =
        new(DetectorNames.ErrorCodes, "error codes, answered by a policy", settings => settings.BrokenRule(), @fixed: [nameof(ErrorCodeSettings.Policy)]);

    /// <summary>Devices and links.</summary>
    public static DetectorKind<DeviceDetectorOptions> Devices { get; } = new(DetectorNames.Devices, "throttled clocks, memory errors, link errors", options => options.BrokenRule());

    /// <summary>Hangs.</summary>
    public static DetectorKind<HangWatchSettings> Hang { get; } = Of<HangWatchSettings>(HangWatch.Name, "no progress of a job");

    /// <summary>Slow workers.</summary>
    public static DetectorKind<PeerSlowdownSettings> PeerSlowdown { get; } = Of<PeerSlowdownSettings>(Stragglers.PeerSlowdown.Name, "a worker became slower than its peers");

    /// <summary>Slow jobs.</summary>
    public static DetectorKind<JobSlowdownSettings> JobSlowdown { get; } = Of<JobSlowdownSettings>(TrainMover.Detection.Jobs.JobSlowdown.Name, "all steps of a job became slower");

    /// <summary>Corrupted losses.</summary>
    public static DetectorKind<LossWatchSettings> Loss { get; } = Of<LossWatchSettings>(LossWatch.Name, "a loss that is no number, or that left its course");

    /// <summary>Metrics of machines, judged by learned models; it only logs unless somebody says otherwise.</summary>
    public static DetectorKind<LearnedMetricSettings> LearnedMetrics { get; } = new(
        MetricModel.Name, "metrics that left what a learned model calls normal for the machine's class", settings => settings.BrokenRule(), DetectorMode.LogOnly, nameof(LearnedMetricSettings.Models));

    /// <summary>All of them, ordered by name.</summary>
    public static IReadOnlyList<DetectorKind> All { get; } =
        [.. new DetectorKind[] { MachineLoss, AgentLoss, WorkerDeath, WorkerUnreachable, Notices, ErrorCodes, Devices, Hang, PeerSlowdown, JobSlowdown, Loss, LearnedMetrics }.OrderBy(kind => kind.Name, StringComparer.Ordinal)];

    /// <summary>Records all of them with their default settings and modes, as a Detector that is configured in no other way does.</summary>
    public static Decision ConfigureByDefault(World world) => All.Aggregate(
        new Decision(world), (decision, kind) => decision.OnDetector(kind.Name, tuning => tuning.Configure(kind.Name, kind.DefaultMode, kind.Defaults, kind.IsFixed)));

    /// <summary>The detector of a name; null where there is none.</summary>
    public static DetectorKind? Find(string name) => All.FirstOrDefault(kind => kind.Name == name);

    private static DetectorKind<NoSettings> Plain(string name, string summary) => new(name, summary, _ => null);

    private static DetectorKind<T> Of<T>(string name, string summary)
        where T : DetectorSettings, new() => new(name, summary, settings => settings.BrokenRule());
}
