using TrainMover.Contracts.Migrations;
using TrainMover.EventLog;

namespace TrainMover.Cli.Story;

/// <summary>A migration as the command line writes it in JSON.</summary>
internal sealed record MigrationRecord(
    string Id,
    string JobId,
    string Kind,
    string Phase,
    IReadOnlyList<MachineMove> Moves,
    string Reason,
    double? DetectionMs,
    double? PauseMs,
    long? LostSteps,
    ConnectionDelta? Connections,
    IReadOnlyList<Candidate> Candidates,
    IReadOnlyList<StoryPhase> Phases,
    IReadOnlyList<MachineBytes> Bytes,
    IReadOnlyList<EventRecord> Events)
{
    public static MigrationRecord Of(MigrationStory story) => new(
        story.Plan.MigrationId,
        story.Plan.JobId,
        story.IsUnexpected ? "unexpected" : "expected",
        StoryTables.Phase(story),
        story.Plan.Moves,
        story.Plan.Reason,
        story.DetectionMs,
        story.PauseMs,
        story.Completed?.LostSteps,
        story.Completed?.Connections,
        story.Plan.Candidates,
        story.Phases(),
        MachineBytes.Of(story),
        [.. story.Events.Select(EventRecord.Of)]);
}
