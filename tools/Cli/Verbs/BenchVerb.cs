using System.CommandLine;
using TrainMover.Cli.Bench;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Cli.Jobs;

namespace TrainMover.Cli.Verbs;

internal static class BenchVerb
{
    private const int Steps = 120;
    private const int RestartsPerRun = 3;
    private const int MostRepeats = 20;

    public static Command Create()
    {
        var command = new Command("bench", "Measures.");
        command.Subcommands.Add(Restart());
        command.Subcommands.Add(MigrateBenchVerb.Create());
        command.Subcommands.Add(DeltaPlan());
        command.Subcommands.Add(CollectivesVerb.Create());
        command.Subcommands.Add(ParseBenchVerb.Create());
        command.Subcommands.Add(CollectivesVerb.CreateRank());
        return command;
    }

    private static Command Restart()
    {
        var file = ResultFile.Option();
        var repeats = new Option<int>("--repeat") { Description = "Jobs to run, each with both migrations and as many restarts after it.", DefaultValueFactory = _ => 3 };
        var command = new Command("restart", "Measures both migrations' pauses beside checkpoint restarts of the same job, in one run; medians.");
        command.Options.Add(file);
        command.Options.Add(repeats);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            if (parsed.GetValue(repeats) is var count and (< 1 or > MostRepeats))
                throw new BadInputException($"--repeat {count} is not in 1..{MostRepeats}.");
            var result = await RunAsync(output, Access.Current(), parsed.GetValue(repeats), ct);
            await target.WriteAsync(result, ct);
            Tell(output, result);
            return 0;
        });
        return command;
    }

    private static Command DeltaPlan()
    {
        var file = ResultFile.Option();
        var command = new Command("delta-plan", "Measures the plan of a switch in a job of 131,072 devices: one machine is replaced.");
        command.Options.Add(file);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            var result = DeltaPlanBench.Run(output.Progress);
            await target.WriteAsync(result, ct);
            DeltaPlanBench.Tell(output, result);
            return 0;
        });
        return command;
    }

    private static async Task<RestartComparison> RunAsync(Output output, Access access, int repeats, CancellationToken ct)
    {
        var runs = new List<MeasuredRun>();
        for (var repeat = 1; repeat <= repeats; repeat++)
        {
            output.Progress.Report($"run {repeat} of {repeats}");
            runs.Add(await MeasureAsync(output, access, ct));
        }

        var restart = Median(runs.SelectMany(run => run.Restarts).Select(paused => paused.LongerMs));
        var expected = Median(runs.Select(run => run.Expected.LongerMs));
        var unexpected = Median(runs.Select(run => run.Unexpected.LongerMs));
        return new RestartComparison(expected, unexpected, restart, restart / expected, restart / unexpected, runs);
    }

    private static async Task<MeasuredRun> MeasureAsync(Output output, Access access, CancellationToken ct)
    {
        // The deployment stays up for the restarts: they happen beside the same control plane as the migrations.
        await using var run = await TrainingRun.StartAsync(access, "bench", new JobFile { Id = "bench", Steps = Steps, Seed = 7 }, null, output.Progress, ct);
        var record = await run.RunAsync(output.Progress, ct);
        var times = new StepTimes(record.Steps);

        output.Progress.Report("restarting the same job from a checkpoint");
        _ = await CheckpointRestart.MeasureAsync(run.Access, record.Job, times.MedianMs, ct);
        var restarts = new List<PausedTime>();
        for (var repeat = 0; repeat < RestartsPerRun; repeat++) restarts.Add(await CheckpointRestart.MeasureAsync(run.Access, record.Job, times.MedianMs, ct));
        return new MeasuredRun(times.MedianMs, Pause(record, times, unexpected: false), Pause(record, times, unexpected: true), restarts);
    }

    private static PausedTime Pause(RunRecord record, StepTimes times, bool unexpected)
    {
        var story = record.Stories.First(candidate => candidate.IsUnexpected == unexpected);
        return new PausedTime(story.PauseMs ?? 0, story is { StoppedNs: { } stopped, ResumedNs: { } resumed } ? times.GapMs(stopped, resumed) : 0);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }

    private static void Tell(Output output, RestartComparison result)
    {
        var table = Output.Table("pause in ms", "median of the larger", "restart is longer by", "pause of each run", "gap seen from outside");
        void Row(string name, double median, string ratio, IEnumerable<PausedTime> pauses)
        {
            var all = pauses.ToList();
            table.Row(name, $"{median:0.0}", ratio, string.Join(", ", all.Select(one => $"{one.PauseMs:0}")), string.Join(", ", all.Select(one => $"{one.GapMs:0}")));
        }

        Row("expected migration", result.ExpectedMs, $"{result.ExpectedRatio:0.0} times", result.Runs.Select(run => run.Expected));
        Row("unexpected migration", result.UnexpectedMs, $"{result.UnexpectedRatio:0.0} times", result.Runs.Select(run => run.Unexpected));
        Row("checkpoint restart", result.RestartMs, "", result.Runs.SelectMany(run => run.Restarts));
        output.Console.Write(table);
    }

    private sealed record MeasuredRun(double MedianStepMs, PausedTime Expected, PausedTime Unexpected, IReadOnlyList<PausedTime> Restarts);

    private sealed record RestartComparison(
        double ExpectedMs, double UnexpectedMs, double RestartMs, double ExpectedRatio, double UnexpectedRatio, IReadOnlyList<MeasuredRun> Runs);
}
