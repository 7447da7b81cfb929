using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Cli.Story;
using TrainMover.Contracts.Migrations;
using TrainMover.Embedded;

namespace TrainMover.Cli.Bench;

/// <summary>What frequent rebalancing costs.</summary>
/// <param name="Seconds">Length of the part with rebalancing.</param>
/// <param name="EverySeconds">Time between two notices.</param>
/// <param name="Migrations">Migrations in it.</param>
/// <param name="EttrByPauses">1 - paused time / time.</param>
/// <param name="EttrByWallClock">Steps trained, by those that the same time without rebalancing would have trained.</param>
/// <param name="QuietStepMs">Median step without rebalancing, before and after.</param>
/// <param name="PreparationStepMs">Median step while machines prepare.</param>
/// <param name="FollowingStepMs">Median step while a joiner follows.</param>
/// <param name="PreparationRatio">By the quiet step.</param>
/// <param name="FollowingRatio">By the quiet step.</param>
/// <param name="Pauses">Every migration's.</param>
internal sealed record EfficiencyReport(
    double Seconds, double EverySeconds, int Migrations, double EttrByPauses, double EttrByWallClock, double QuietStepMs, double PreparationStepMs, double FollowingStepMs,
    double PreparationRatio, double FollowingRatio, IReadOnlyList<PausedTime> Pauses);

/// <summary>A live run in which a machine is replaced on notice again and again, between two stretches in which none is.</summary>
internal static class EfficiencyBench
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StepsLimit = TimeSpan.FromMinutes(5);
    private static readonly MigrateSize Size = MigrateSize.All[0];

    public static async Task<EfficiencyReport> RunAsync(Output output, Access access, TimeSpan length, CancellationToken ct)
    {
        var job = MigrateLayout.All[0].Job(Size);
        (job.Id, job.Steps) = ("efficiency", 1_000_000);
        var setup = new RunSetup { StepsLimit = StepsLimit, Environment = RunSetup.NoQuarantine };
        await using var run = await TrainingRun.StartAsync(access, "efficiency", job, null, output.Progress, ct, setup);
        await run.UntilWarmAsync(ct);
        await run.UntilStepAsync(run.Watch.Steps.Completed + 5, ct);

        output.Progress.Report($"{Quiet.TotalSeconds:0} s without rebalancing");
        var before = Now(run);
        await Task.Delay(Quiet, ct);
        var begun = Now(run);
        var stories = new List<MigrationStory>();
        using (var timer = new PeriodicTimer(Every))
        {
            for (var left = (int)(length / Every); left > 0; left--)
            {
                await run.Watch.UntilAsync(() => run.Spares() > 1, Every, "A free machine", ct);
                stories.Add(await run.MaintainAsync([run.Member(1 + (left % (job.Machines - 1)))], output.Progress, ct));
                await timer.WaitForNextTickAsync(ct);
            }
        }

        var ended = Now(run);
        output.Progress.Report($"{Quiet.TotalSeconds:0} s without rebalancing");
        await Task.Delay(Quiet, ct);
        var after = Now(run);
        return Evaluate(run.Watch.Steps.Steps(), stories, (before, begun), (begun, ended), (ended, after));
    }

    public static void Tell(Output output, EfficiencyReport report)
    {
        var table = Output.Table("", "value");
        table.Row("rebalancing", $"{report.Migrations} times in {report.Seconds:0} s");
        table.Row("ETTR by pauses", $"{report.EttrByPauses:0.0000}");
        table.Row("ETTR by wall clock", $"{report.EttrByWallClock:0.000}");
        table.Row("median step, quiet", $"{report.QuietStepMs:0.0} ms");
        table.Row("median step during preparation", $"{report.PreparationStepMs:0.0} ms, {report.PreparationRatio:0.00} times");
        table.Row("median step while following", $"{report.FollowingStepMs:0.0} ms, {report.FollowingRatio:0.00} times");
        table.Row("pauses", string.Join(", ", report.Pauses.Select(one => $"{one.PauseMs:0}")) + " ms");
        table.Row("gaps seen from outside", string.Join(", ", report.Pauses.Select(one => $"{one.GapMs:0}")) + " ms");
        output.Console.Write(table);
    }

    private static EfficiencyReport Evaluate(
        IReadOnlyList<JobStep> steps, IReadOnlyList<MigrationStory> stories, (long From, long To) before, (long From, long To) busy, (long From, long To) after)
    {
        var times = new StepTimes(steps);
        var pauses = stories.Select(story => PausedTime.Of(story, times)).ToList();
        var quietSteps = Within(steps, before).Concat(Within(steps, after)).ToList();
        var quietSeconds = (before.To - before.From + after.To - after.From) / 1e9;
        var seconds = (busy.To - busy.From) / 1e9;
        var quiet = quietSteps.Select(step => step.Ms).Median();
        var preparing = stories.SelectMany(story => Within(steps, PreparationOf(story))).Select(step => step.Ms).Median();
        var following = stories.SelectMany(story => Within(steps, FollowingOf(story))).Select(step => step.Ms).Median();
        return new EfficiencyReport(
            seconds, Every.TotalSeconds, stories.Count,
            1 - (pauses.Sum(pause => pause.LongerMs) / 1e3 / seconds),
            Within(steps, busy).Count() / seconds / (quietSteps.Count / quietSeconds),
            quiet, preparing, following, preparing / quiet, following / quiet, pauses);
    }

    private static IEnumerable<JobStep> Within(IReadOnlyList<JobStep> steps, (long From, long To) interval) =>
        steps.Where(step => step.CompletedNs > interval.From && step.CompletedNs <= interval.To);

    private static (long From, long To) PreparationOf(MigrationStory story) => (story.At<PreparationStarted>(_ => true), story.At<SwitchOrdered>(_ => true));

    // The joiner is ready when its shadow iteration is done; the leaver is when the joiner has caught up.
    private static (long From, long To) FollowingOf(MigrationStory story) => (
        story.At<ParticipantReady>(ready => story.State.Joiners.Contains(ready.MachineId)),
        story.At<ParticipantReady>(ready => story.State.Leavers.Contains(ready.MachineId)));

    private static long Now(TrainingRun run) => run.Watch.Steps.Steps() is [.., var last] ? last.CompletedNs : throw new DeploymentException("The job trains nothing.");
}
