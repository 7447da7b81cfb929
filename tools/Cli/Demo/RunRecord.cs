using TrainMover.Cli.Story;
using TrainMover.Contracts.Jobs;
using TrainMover.EventLog;

namespace TrainMover.Cli.Demo;

/// <summary>All that is known of a finished run.</summary>
/// <param name="Job">The job.</param>
/// <param name="Steps">Its steps from telemetry.</param>
/// <param name="Events">The whole log.</param>
/// <param name="Stories">Its migrations, in order.</param>
/// <param name="Integrity">What verification found.</param>
/// <param name="Unpublished">Logged events that a subscriber of all topics did not see.</param>
internal sealed record RunRecord(
    JobSpec Job, IReadOnlyList<JobStep> Steps, IReadOnlyList<LoggedEvent> Events, IReadOnlyList<MigrationStory> Stories, IntegrityReport Integrity, long Unpublished);
