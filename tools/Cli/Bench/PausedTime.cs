using TrainMover.Cli.Demo;
using TrainMover.Cli.Story;

namespace TrainMover.Cli.Bench;

/// <summary>How long training stood still, in milliseconds.</summary>
/// <param name="PauseMs">From the stop until the last rank computes again.</param>
/// <param name="GapMs">Between two completed steps, less the median step.</param>
internal sealed record PausedTime(double PauseMs, double GapMs)
{
    public double LongerMs => Math.Max(PauseMs, GapMs);

    public static PausedTime Of(MigrationStory story, StepTimes times) => story is { StoppedNs: { } stopped, ResumedNs: { } resumed }
        ? new PausedTime(story.PauseMs ?? 0, times.GapMs(stopped, resumed))
        : throw new Embedded.DeploymentException($"{story.Plan.MigrationId} did not stop training: {StoryTables.Phase(story)}.");
}
