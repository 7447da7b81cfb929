using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Detection.Live.Tuning;
using TrainMover.Domain.Detection;
using TrainMover.EventLog;

namespace TrainMover.Cli.Detectors;

/// <summary>A detector as the log has it: what it judges by, how that came about, and what it found.</summary>
internal sealed record DetectorRecord(
    string Name, string Summary, string Mode, int Version, IReadOnlyDictionary<string, string> Settings, int Raised, int Suppressed, DateTimeOffset? LastFinding, IReadOnlyList<TuningRecord> Changes)
{
    /// <summary>All detectors, ordered by name; one that no Detector has recorded yet has version 0.</summary>
    public static IReadOnlyList<DetectorRecord> All(IReadOnlyList<LoggedEvent> log)
    {
        var findings = log.Where(logged => logged.Data is InterruptionRaised or InterruptionSuppressed).ToLookup(logged => DetectorTuning.Split(Judge(logged.Data)).Detector, StringComparer.Ordinal);
        var changes = log.Where(logged => logged.Data is DetectorTuned).ToLookup(logged => ((DetectorTuned)logged.Data).Detector, StringComparer.Ordinal);
        return [.. DetectorCatalogue.All.Select(kind => Of(kind, [.. changes[kind.Name]], [.. findings[kind.Name]]))];
    }

    private static DetectorRecord Of(DetectorKind kind, List<LoggedEvent> changes, List<LoggedEvent> findings)
    {
        var tuning = changes.Aggregate(DetectorTuning.Initial, (state, logged) => state.Evolve(logged.Data));
        var settings = tuning.Version == 0 ? kind.Defaults : tuning.Settings;
        return new DetectorRecord(
            kind.Name, kind.Summary, DetectorModes.NameOf(tuning.Version == 0 ? kind.DefaultMode : tuning.Mode), tuning.Version,
            settings.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal),
            findings.Count(logged => logged.Data is InterruptionRaised), findings.Count(logged => logged.Data is InterruptionSuppressed),
            findings.Count == 0 ? null : findings.Max(logged => logged.RecordedAt),
            [.. changes.Select(TuningRecord.Of)]);
    }

    private static string Judge(object finding) => finding is InterruptionSuppressed suppressed ? suppressed.Finding.Detector : ((InterruptionRaised)finding).Detector;
}

/// <summary>A change of a detector.</summary>
internal sealed record TuningRecord(int Version, DateTimeOffset At, string Mode, IReadOnlyDictionary<string, string> Settings, string Who, string Why)
{
    public static TuningRecord Of(LoggedEvent logged)
    {
        var tuned = (DetectorTuned)logged.Data;
        return new TuningRecord(tuned.Version, logged.RecordedAt, DetectorModes.NameOf(tuned.Mode), tuned.Settings.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal), tuned.Who, tuned.Why);
    }
}
