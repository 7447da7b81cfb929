using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Cli.Jobs;
using TrainMover.Cli.Story;
using TrainMover.Contracts.Jobs;

namespace TrainMover.Cli.Bench;

/// <summary>One way to get over an interruption.</summary>
/// <param name="Name">For people.</param>
/// <param name="Techniques">What the job uses.</param>
/// <param name="Rehearsed">Whether spare workers have compiled their code and loaded their libraries by a rehearsal.</param>
internal sealed record AblationStage(string Name, JobFileTechniques Techniques, bool Rehearsed)
{
    /// <summary>From nothing to everything: each adds one technique (paper, figure 15). What makes a joiner warm, its rehearsal included, comes with the sandbox.</summary>
    public static IReadOnlyList<AblationStage> All { get; } =
    [
        new("naive live migration", new JobFileTechniques { TwoPhaseGroups = false, Sandbox = false, Following = false, ArmedStandby = false }, Rehearsed: false),
        new("+ two-phase groups", new JobFileTechniques { TwoPhaseGroups = true, Sandbox = false, Following = false, ArmedStandby = false }, Rehearsed: false),
        new("+ sandbox", new JobFileTechniques { TwoPhaseGroups = true, Sandbox = true, Following = false, ArmedStandby = false }, Rehearsed: true),
        new("+ following", new JobFileTechniques { ArmedStandby = false }, Rehearsed: true),
        new("+ armed standby", new JobFileTechniques { HotStandby = false }, Rehearsed: true),
        new("+ hot standby", new JobFileTechniques(), Rehearsed: true),
    ];

    public bool IsFull => Techniques is { TwoPhaseGroups: true, Sandbox: true, Following: true, ArmedStandby: true, HotStandby: true };
}

/// <summary>What a stage came to.</summary>
/// <param name="Stage">The stage, or the restart.</param>
/// <param name="ExpectedMs">Median of the larger of pause and gap.</param>
/// <param name="UnexpectedMs">The same, from the fault on; detection is inside.</param>
/// <param name="Expected">Every repetition.</param>
/// <param name="Unexpected">Every repetition.</param>
internal sealed record AblationResult(string Stage, double ExpectedMs, double UnexpectedMs, IReadOnlyList<PausedTime> Expected, IReadOnlyList<PausedTime> Unexpected);

/// <summary>All stages of one job, interleaved, beside a checkpoint restart of the same job.</summary>
/// <param name="Parameters">Parameters of the model, in words.</param>
/// <param name="MedianStepMs">Median step.</param>
/// <param name="Stages">The restart first.</param>
/// <param name="ExpectedRatio">Times that the restart is longer than the full system's expected pause.</param>
/// <param name="UnexpectedRatio">The same for the unexpected one.</param>
/// <param name="UndisturbedMs">What gaps come to where nothing happens, as steps differ: the median of the full system's runs.</param>
internal sealed record AblationReport(string Parameters, double MedianStepMs, IReadOnlyList<AblationResult> Stages, double ExpectedRatio, double UnexpectedRatio, double UndisturbedMs);

/// <summary>What each technique saves.</summary>
internal static class AblationBench
{
    private const string Restart = "checkpoint restart";
    private const int StepsAround = 8;
    private const int StepsBetween = 24;
    private const int Rounds = 2;
    private const int RestartsPerRepeat = 2;
    private static readonly TimeSpan StepsLimit = TimeSpan.FromMinutes(5);

    public static async Task<AblationReport> RunAsync(Output output, Access access, MigrateSize size, IReadOnlyList<AblationStage> stages, int repeats, CancellationToken ct)
    {
        var (expected, unexpected) = (new Dictionary<string, List<PausedTime>>(), new Dictionary<string, List<PausedTime>>());
        var (steps, undisturbed) = (new List<double>(), new List<double>());

        void Note(string stage, PausedTime onNotice, PausedTime onFailure)
        {
            (expected.TryGetValue(stage, out var list) ? list : expected[stage] = []).Add(onNotice);
            (unexpected.TryGetValue(stage, out list) ? list : unexpected[stage] = []).Add(onFailure);
        }

        for (var repeat = 1; repeat <= repeats; repeat++)
        {
            foreach (var stage in stages)
            {
                output.Progress.Report($"repetition {repeat} of {repeats}: {stage.Name}");
                var (deployed, job, onNotice, onFailure, stepMs, undisturbedMs) = await MeasureAsync(output, access, size, stage, ct);
                Note(stage.Name, onNotice, onFailure);
                steps.Add(stepMs);
                if (!stage.IsFull) continue;

                undisturbed.Add(undisturbedMs);
                output.Progress.Report($"repetition {repeat} of {repeats}: {Restart}");
                _ = await CheckpointRestart.MeasureAsync(deployed, job, stepMs, ct);
                for (var restart = 0; restart < RestartsPerRepeat; restart++)
                {
                    var paused = await CheckpointRestart.MeasureAsync(deployed, job, stepMs, ct);
                    Note(Restart, paused, paused);
                }
            }
        }

        string[] names = [Restart, .. stages.Select(stage => stage.Name)];
        List<AblationResult> results =
        [
            .. names.Select(name => new AblationResult(
                name, expected[name].Select(one => one.LongerMs).Median(), unexpected[name].Select(one => one.LongerMs).Median(), expected[name], unexpected[name])),
        ];
        return new AblationReport(
            size.Name, steps.Median(), results, results[0].ExpectedMs / results[^1].ExpectedMs, results[0].UnexpectedMs / results[^1].UnexpectedMs, undisturbed.Median());
    }

    public static void Tell(Output output, AblationReport report)
    {
        var table = Output.Table("", "expected ms", "restart is longer by", "unexpected ms", "restart is longer by", "pauses and gaps, expected", "pauses and gaps, unexpected");
        var restart = report.Stages[0];
        foreach (var stage in report.Stages)
        {
            table.Row(
                stage.Stage, $"{stage.ExpectedMs:0}", $"{restart.ExpectedMs / stage.ExpectedMs:0.0} times", $"{stage.UnexpectedMs:0}", $"{restart.UnexpectedMs / stage.UnexpectedMs:0.0} times",
                string.Join(", ", stage.Expected.Select(one => $"{one.PauseMs:0}/{one.GapMs:0}")), string.Join(", ", stage.Unexpected.Select(one => $"{one.PauseMs:0}/{one.GapMs:0}")));
        }

        output.Console.Write(table);
        output.Line($"{report.Parameters} parameters, {MigrateLayout.All[0].Name}, median step {report.MedianStepMs:0} ms. Medians of the larger of pause and gap; detection is inside the unexpected ones.");
        output.Line($"Where nothing happens, gaps measured in the same way come to {report.UndisturbedMs:0} ms: steps differ.");
    }

    // The restart comes after the deployment has ended: nothing slows it down. As there, what is done for the first time in a process is not counted.
    private static async Task<(Access Deployed, JobSpec Job, PausedTime OnNotice, PausedTime OnFailure, double StepMs, double UndisturbedMs)> MeasureAsync(
        Output output, Access access, MigrateSize size, AblationStage stage, CancellationToken ct)
    {
        await using var run = await TrainingRun.StartAsync(access, "ablation", Job(size, stage), null, output.Progress, ct, Setup(stage));
        await run.UntilWarmAsync(ct);
        var stories = new List<MigrationStory>();
        for (var round = 0; round < Rounds; round++)
        {
            await RestAsync(run, ct);
            stories.Add(await run.MaintainAsync([run.Member(1)], output.Progress, ct));
            await RestAsync(run, ct);
            // A fault right after a step loses no work, here as in the restart.
            stories.Add(await run.LoseAfterStepAsync(run.Member(2), output.Progress, ct));
        }

        await run.UntilStepAsync(run.Watch.Steps.Completed + StepsAround, ct);
        var times = new StepTimes(run.Watch.Steps.Steps());
        var undisturbed = PausedTime.UndisturbedMs(stories, times);
        return (run.Access, run.Job, PausedTime.Of(stories[^2], times), PausedTime.Of(stories[^1], times), times.MedianMs, undisturbed);
    }

    // Faults are hours apart: by then machines that left are spare again, and the next standby is armed, and a replica.
    private static async Task RestAsync(TrainingRun run, CancellationToken ct)
    {
        await run.UntilStepAsync(run.Watch.Steps.Completed + StepsBetween, ct);
        await run.UntilAtRestAsync(ct);
        await run.UntilWorkersStandAsync(ct);
        await run.UntilStandingByAsync(ct);
        await run.UntilStepAsync(run.Watch.Steps.Completed + StepsAround, ct);
    }

    private static JobFile Job(MigrateSize size, AblationStage stage)
    {
        var job = MigrateLayout.All[0].Job(size);
        (job.Id, job.Steps, job.Techniques) = ("ablation", 100_000, stage.Techniques);
        return job;
    }

    private static RunSetup Setup(AblationStage stage) => new()
    {
        Standbys = Rounds,
        StepsLimit = StepsLimit,
        Environment = new Dictionary<string, string>(RunSetup.Injection) { ["TRAINMOVER_UNREHEARSED"] = stage.Rehearsed ? "" : "m0,m1,m2,m3,s0,s1,e0" },
    };
}
