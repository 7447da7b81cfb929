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

    /// <summary>What gaps come to in a run where nothing happens: steps that its migrations touch are left out.</summary>
    public static double UndisturbedMs(IEnumerable<MigrationStory> stories, StepTimes times) => times.UndisturbedMs([.. stories.Select(story => (story.StoppedNs ?? 0, story.ResumedNs ?? 0))]);
}
