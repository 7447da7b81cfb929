using TrainMover.Contracts.Detectors;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Live.Learned;
using TrainMover.Detection.Live.Sources;
using TrainMover.Detection.Live.Tuning;
using TrainMover.Detection.Running;
using TrainMover.Detector.Learned;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Detector.Tuning;

/// <summary>What the configuration of this process says of a detector.</summary>
public sealed record ConfiguredDetector(DetectorKind Kind, DetectorMode Mode, IReadOnlyList<DetectorSetting> Settings)
{
    private const string ModeKey = "Mode";

    /// <summary>Reads <c>Detectors:NAME:SETTING</c> and <c>Detectors:NAME:Mode</c>, in names with _ or -, as shells drop variables with a dash in their names; for lost machines and devices the sections <c>Detection</c> and <c>Devices</c> as well.</summary>
    /// <exception cref="SettingsException">Something is unknown, or breaks a rule.</exception>
    public static IReadOnlyList<ConfiguredDetector> All(IConfiguration configuration, ErrorCodePolicy policy, LearnedModels models)
    {
        if (configuration.GetSection("Detectors").GetChildren().FirstOrDefault(section => DetectorCatalogue.Find(NameOf(section)) is null) is { } unknown)
            throw new SettingsException($"There is no detector {unknown.Key}. There are {string.Join(", ", DetectorCatalogue.All.Select(kind => kind.Name))}.");
        return [.. DetectorCatalogue.All.Select(kind => Of(kind, configuration, policy, models))];
    }

    private static ConfiguredDetector Of(DetectorKind kind, IConfiguration configuration, ErrorCodePolicy policy, LearnedModels models)
    {
        var own = configuration.GetSection("Detectors").GetChildren().Where(section => NameOf(section) == kind.Name).SelectMany(section => section.GetChildren()).ToList();
        var given = Sections(kind).SelectMany(name => configuration.GetSection(name).GetChildren()).Concat(own)
            .Where(setting => setting is { Value: not null } && !IsMode(setting))
            .Select(setting => KeyValuePair.Create(setting.Key, setting.Value!));
        var defaults = kind switch
        {
            _ when kind == DetectorCatalogue.ErrorCodes => DetectorCatalogue.ErrorCodes.Write(ErrorCodeSettings.Of(policy)),
            _ when kind == DetectorCatalogue.LearnedMetrics => DetectorCatalogue.LearnedMetrics.Write(new LearnedMetricSettings { Models = models.Versions }),
            // Processor times of a live job are steadier than the logged times that the detectors were made for.
            _ when kind == DetectorCatalogue.PeerSlowdown => DetectorCatalogue.PeerSlowdown.Write(new JobWatchSettings().Peers),
            _ when kind == DetectorCatalogue.Hang => DetectorCatalogue.Hang.Write(new JobWatchSettings().Hang),
            _ => kind.Defaults,
        };
        return new ConfiguredDetector(kind, ModeOf(kind, own.Find(IsMode)?.Value), kind.Change(defaults, given));
    }

    private static string NameOf(IConfigurationSection section) => section.Key.Replace('_', '-');

    private static bool IsMode(IConfigurationSection setting) => string.Equals(setting.Key, ModeKey, StringComparison.OrdinalIgnoreCase);

    private static string[] Sections(DetectorKind kind) => kind switch
    {
        _ when kind == DetectorCatalogue.MachineLoss => ["Detection"],
        _ when kind == DetectorCatalogue.Devices => ["Devices"],
        _ => [],
    };

    private static DetectorMode ModeOf(DetectorKind kind, string? text) => text is null ? kind.DefaultMode : DetectorModes.Find(text)
        ?? throw new SettingsException($"{kind.Name}: Mode is '{text}'; it is {DetectorModes.Names}.");
}
