using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Cli.Jobs;

namespace TrainMover.Cli.Bench;

internal sealed record MeasuredRun(double MedianStepMs, PausedTime Expected, PausedTime Unexpected, IReadOnlyList<PausedTime> Restarts);

internal sealed record RestartComparison(
    double ExpectedMs, double UnexpectedMs, double RestartMs, double ExpectedRatio, double UnexpectedRatio, IReadOnlyList<MeasuredRun> Runs);

/// <summary>Both migrations of a small job, beside checkpoint restarts of the same job and under the same control plane.</summary>
internal static class RestartBench
{
    private const int Steps = 120;
    private const int RestartsPerRun = 3;

    public static async Task<RestartComparison> RunAsync(Output output, Access access, int repeats, CancellationToken ct)
    {
        var runs = new List<MeasuredRun>();
        for (var repeat = 1; repeat <= repeats; repeat++)
        {
            output.Progress.Report($"run {repeat} of {repeats}");
            runs.Add(await MeasureAsync(output, access, ct));
        }

        var restart = runs.SelectMany(run => run.Restarts).Select(paused => paused.LongerMs).Median();
        var expected = runs.Select(run => run.Expected.LongerMs).Median();
        var unexpected = runs.Select(run => run.Unexpected.LongerMs).Median();
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

    private static PausedTime Pause(RunRecord record, StepTimes times, bool unexpected) =>
        PausedTime.Of(record.Stories.First(candidate => candidate.IsUnexpected == unexpected), times);

    public static void Tell(Output output, RestartComparison result)
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
}
