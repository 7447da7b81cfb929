using TrainMover.Contracts.Detectors;

namespace TrainMover.Domain.Detection;

/// <summary>Mode and settings of one detector, as the log has them.</summary>
/// <param name="Mode">What becomes of what it finds.</param>
/// <param name="Settings">Its settings, sorted by name.</param>
/// <param name="Version">Counts the changes; 0 before the first.</param>
/// <param name="ByOperator">An operator changed it once: then the configuration of the service does not change it back.</param>
public sealed record DetectorTuning(DetectorMode Mode, IReadOnlyList<DetectorSetting> Settings, int Version, bool ByOperator)
{
    /// <summary>Name under which a service records what it was configured with.</summary>
    public const string Configuration = "configuration";

    private const string Started = "The Detector was started with it.";

    /// <summary>Before the first event: what is not known to be held back is raised.</summary>
    public static DetectorTuning Initial { get; } = new(DetectorMode.Enforce, [], 0, ByOperator: false);

    /// <summary>Name of the stream of a detector.</summary>
    public static string Stream(string detector) => $"detector-{detector}";

    /// <summary>How interruptions name a detector and the version of its settings: <c>hang-2</c>.</summary>
    public static string Judge(string detector, int version) => $"{detector}-{version}";

    /// <summary>Name and version of the settings from an interruption's detector; version 0 where it names none.</summary>
    public static (string Detector, int Version) Split(string judge) =>
        judge.LastIndexOf('-') is var dash and > 0 && int.TryParse(judge.AsSpan(dash + 1), out var version) ? (judge[..dash], version) : (judge, 0);

    /// <summary>Changes mode and settings; nothing where they are so already. Whether the settings make sense is checked before (<c>DetectorKind</c>).</summary>
    /// <exception cref="DomainRuleException">It is not said who changes it, or why.</exception>
    public IReadOnlyList<object> Tune(string detector, DetectorMode mode, IReadOnlyList<DetectorSetting> settings, string who, string why)
    {
        if (string.IsNullOrWhiteSpace(who) || string.IsNullOrWhiteSpace(why)) throw new DomainRuleException($"A change of {detector} says who makes it, and why.");
        return Version > 0 && Mode == mode && Settings.SequenceEqual(settings) ? [] : [new DetectorTuned(detector, mode, settings, Version + 1, who, why)];
    }

    /// <summary>
    /// What a service was started with. Once an operator has changed something, that stays; only settings that are fixed by the configuration, and those that are new, follow it.
    /// </summary>
    /// <param name="detector">The detector.</param>
    /// <param name="mode">Configured mode.</param>
    /// <param name="settings">All configured settings, sorted by name.</param>
    /// <param name="isFixed">Whether a setting cannot be tuned.</param>
    public IReadOnlyList<object> Configure(string detector, DetectorMode mode, IReadOnlyList<DetectorSetting> settings, Func<string, bool> isFixed) => ByOperator
        ? Tune(detector, Mode, [.. settings.Select(setting => isFixed(setting.Name) ? setting : Settings.FirstOrDefault(known => known.Name == setting.Name) ?? setting)], Configuration, Started)
        : Tune(detector, mode, settings, Configuration, Started);

    /// <summary>The state after an event.</summary>
    public DetectorTuning Evolve(object @event) => @event is DetectorTuned tuned ? new DetectorTuning(tuned.Mode, tuned.Settings, tuned.Version, ByOperator || tuned.Who != Configuration) : this;
}
