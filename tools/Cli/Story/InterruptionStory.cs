using TrainMover.Cli.Detectors;
using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Domain.Detection;
using TrainMover.Domain.Interruptions;
using TrainMover.EventLog;

namespace TrainMover.Cli.Story;

/// <summary>Why an interruption was raised, or was not, and what it led to.</summary>
internal sealed record InterruptionStory(
    string InterruptionId, string Status, DateTimeOffset FoundAt, string Kind, string Cause, string Severity, IReadOnlyList<string> Machines, string Reason,
    JudgeRecord Detector, IReadOnlyList<Evidence> Samples, IReadOnlyList<string> RuledOut, IReadOnlyList<ConsequenceRecord> LedTo)
{
    /// <summary>The story of an interruption; of the last one where none is named. Null where the log knows none.</summary>
    public static InterruptionStory? Of(string? id, IReadOnlyList<LoggedEvent> log)
    {
        var found = log.LastOrDefault(logged => FindingOf(logged.Data) is { } finding && (id is null || finding.InterruptionId == id));
        return found is null ? null : Of(found, FindingOf(found.Data)!, log);
    }

    /// <summary>What was raised, or would have been; null for another event.</summary>
    public static InterruptionRaised? FindingOf(object data) => data switch
    {
        InterruptionRaised raised => raised,
        InterruptionSuppressed suppressed => suppressed.Finding,
        _ => null,
    };

    private static InterruptionStory Of(LoggedEvent found, InterruptionRaised finding, IReadOnlyList<LoggedEvent> log)
    {
        var own = log.Where(logged => logged.Stream == found.Stream).ToList();
        var state = own.Aggregate(Interruption.Initial, (current, logged) => current.Evolve(logged.Data));
        return new InterruptionStory(
            finding.InterruptionId, EventText.Wire(state.Status), found.RecordedAt, EventText.Named(finding.Kind), EventText.Named(finding.Cause), EventText.Named(finding.Severity),
            finding.Machines, finding.Reason, JudgeRecord.Of(finding.Detector, log), finding.Evidence, finding.RuledOut ?? [], [.. LedToOf(finding, state, own, log)]);
    }

    private static IEnumerable<ConsequenceRecord> LedToOf(InterruptionRaised finding, Interruption state, List<LoggedEvent> own, IReadOnlyList<LoggedEvent> log)
    {
        foreach (var logged in own)
        {
            if (logged.Data is InterruptionSuppressed suppressed) yield return new ConsequenceRecord("suppressed", null, logged.RecordedAt, suppressed.Reason);
            if (logged.Data is InterruptionRecovered recovered) yield return new ConsequenceRecord("recovered", null, logged.RecordedAt, recovered.Reason);
        }

        var planned = log.Where(logged => (logged.Data is MigrationPlanned plan && plan.Plan.Interruptions.Contains(finding.InterruptionId))
            || (logged.Data is MigrationEscalated escalated && escalated.InterruptionId == finding.InterruptionId)).ToList();
        foreach (var logged in planned)
        {
            var story = MigrationStory.Of([.. log.Where(other => other.Stream == logged.Stream)], log)!;
            var outcome = $"{StoryTables.Moves(story.Plan)}: {StoryTables.Phase(story)}{(story.PauseMs is { } pause ? $", pause {pause:0.0} ms" : "")}{(story.State.AbortReason is { } reason ? $", {reason}" : "")}";
            yield return new ConsequenceRecord("migration", story.Plan.MigrationId, logged.RecordedAt, outcome);
        }

        if (planned.Count > 0 || state.Status != InterruptionStatus.Open) yield break;
        yield return new ConsequenceRecord("nothing", null, null, finding.Severity == Contracts.Interruptions.Severity.Replace
            ? "no plan names it yet: no machine of it holds a rank of a running job, or no joiner is free"
            : $"\"{EventText.Named(finding.Severity)}\" moves no machine: it is for whoever operates the machine");
    }
}

/// <summary>The detector that judged, and what it judged by.</summary>
internal sealed record JudgeRecord(string Name, int Version, string? Mode, IReadOnlyDictionary<string, string> Settings, DateTimeOffset? Since, string? Who, string? Why)
{
    public static JudgeRecord Of(string judge, IReadOnlyList<LoggedEvent> log)
    {
        var (name, version) = DetectorTuning.Split(judge);
        return log.FirstOrDefault(logged => logged.Data is DetectorTuned tuned && tuned.Detector == name && tuned.Version == version) is { } logged && TuningRecord.Of(logged) is var tuning
            ? new JudgeRecord(name, version, tuning.Mode, tuning.Settings, tuning.At, tuning.Who, tuning.Why)
            // A detector of somebody else's: its name is all that is known.
            : new JudgeRecord(judge, 0, null, new Dictionary<string, string>(StringComparer.Ordinal), null, null, null);
    }
}

/// <summary>What followed: a migration, nothing, or a recovery.</summary>
internal sealed record ConsequenceRecord(string What, string? MigrationId, DateTimeOffset? At, string Detail);
