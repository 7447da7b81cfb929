using TrainMover.Contracts.Detectors;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Live.Sources;
using TrainMover.Detection.Live.Tuning;
using TrainMover.Detection.Running;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Detector.Tuning;

/// <summary>What the configuration of this process says of a detector.</summary>
public sealed record ConfiguredDetector(DetectorKind Kind, DetectorMode Mode, IReadOnlyList<DetectorSetting> Settings)
{
    private const string ModeKey = "Mode";

    /// <summary>Reads <c>Detectors:NAME:SETTING</c> and <c>Detectors:NAME:Mode</c>; for lost machines and devices the sections <c>Detection</c> and <c>Devices</c> as well.</summary>
    /// <exception cref="SettingsException">Something is unknown, or breaks a rule.</exception>
    public static IReadOnlyList<ConfiguredDetector> All(IConfiguration configuration, ErrorCodePolicy policy)
    {
        if (configuration.GetSection("Detectors").GetChildren().FirstOrDefault(section => DetectorCatalogue.Find(section.Key) is null) is { } unknown)
            throw new SettingsException($"There is no detector {unknown.Key}. There are {string.Join(", ", DetectorCatalogue.All.Select(kind => kind.Name))}.");
        return [.. DetectorCatalogue.All.Select(kind => Of(kind, configuration, policy))];
    }

    private static ConfiguredDetector Of(DetectorKind kind, IConfiguration configuration, ErrorCodePolicy policy)
    {
        var own = configuration.GetSection($"Detectors:{kind.Name}");
        var given = Sections(kind).SelectMany(name => configuration.GetSection(name).GetChildren()).Concat(own.GetChildren())
            .Where(setting => setting is { Value: not null } && !string.Equals(setting.Key, ModeKey, StringComparison.OrdinalIgnoreCase))
            .Select(setting => KeyValuePair.Create(setting.Key, setting.Value!));
        var defaults = kind switch
        {
            _ when kind == DetectorCatalogue.ErrorCodes => DetectorCatalogue.ErrorCodes.Write(ErrorCodeSettings.Of(policy)),
            // Processor times of a live job are steadier than the logged times that the detectors were made for.
            _ when kind == DetectorCatalogue.PeerSlowdown => DetectorCatalogue.PeerSlowdown.Write(new JobWatchSettings().Peers),
            _ when kind == DetectorCatalogue.Hang => DetectorCatalogue.Hang.Write(new JobWatchSettings().Hang),
            _ => kind.Defaults,
        };
        return new ConfiguredDetector(kind, ModeOf(kind, own[ModeKey]), kind.Change(defaults, given));
    }

    private static string[] Sections(DetectorKind kind) => kind switch
    {
        _ when kind == DetectorCatalogue.MachineLoss => ["Detection"],
        _ when kind == DetectorCatalogue.Devices => ["Devices"],
        _ => [],
    };

    private static DetectorMode ModeOf(DetectorKind kind, string? text) => text is null ? kind.DefaultMode : DetectorModes.Find(text)
        ?? throw new SettingsException($"{kind.Name}: Mode is '{text}'; it is {DetectorModes.Names}.");
}
