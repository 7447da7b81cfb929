using System.CommandLine;
using System.Text.Json;
using TrainMover.Cli.Bench;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Cli.Jobs;
using TrainMover.Contracts;

namespace TrainMover.Cli.Verbs;

internal static class BenchVerb
{
    private static readonly JsonSerializerOptions Indented = new(Catalog.Json) { WriteIndented = true };
    private const int Steps = 120;
    private const int Repeats = 3;

    public static Command Create()
    {
        var command = new Command("bench", "Measures.");
        command.Subcommands.Add(Restart());
        return command;
    }

    private static Command Restart()
    {
        var file = new Option<string?>("--json") { Description = "File that receives the figures as JSON." };
        var command = new Command("restart", "Measures both migrations' pauses beside a checkpoint restart of the same job, in one run.");
        command.Options.Add(file);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = parsed.GetValue(file);
            if (target is not null && Path.GetDirectoryName(Path.GetFullPath(target)) is { } folder && !Directory.Exists(folder))
                throw new BadInputException($"The folder {folder} does not exist: create it, or choose another file for --json.");
            var result = await RunAsync(output, Access.Current(), ct);
            if (target is not null) await File.WriteAllTextAsync(target, JsonSerializer.Serialize(result, Indented) + "\n", ct);
            Tell(output, result);
            return 0;
        });
        return command;
    }

    private static async Task<RestartComparison> RunAsync(Output output, Access access, CancellationToken ct)
    {
        RunRecord record;
        await using (var run = await TrainingRun.StartAsync(access, "bench", new JobFile { Id = "bench", Steps = Steps, Seed = 7 }, null, output.Progress, ct))
        {
            access = run.Access;
            record = await run.RunAsync(output.Progress, ct);
        }

        output.Progress.Report("restarting the same job from a checkpoint");
        var restarts = new List<double>();
        _ = await CheckpointRestart.MeasureAsync(access, record.Job, ct);
        for (var repeat = 0; repeat < Repeats; repeat++) restarts.Add(await CheckpointRestart.MeasureAsync(access, record.Job, ct));

        var times = new StepTimes(record.Steps);
        var pauses = record.Stories.Select(story => new MeasuredPause(
            story.IsUnexpected ? "unexpected" : "expected",
            story.PauseMs ?? 0,
            story is { StoppedNs: { } stopped, ResumedNs: { } resumed } ? times.GapMs(stopped, resumed) : 0,
            story.DetectionMs ?? 0,
            restarts.Min() / Math.Max(story.PauseMs ?? 0, 1e-3))).ToList();
        return new RestartComparison(record.Job.Layout.Ranks, times.MedianMs, pauses, restarts, restarts.Min());
    }

    private static void Tell(Output output, RestartComparison result)
    {
        var table = Output.Table("", "pause", "gap seen from outside", "restart is longer by");
        foreach (var pause in result.Migrations)
            table.Row($"{pause.Kind} migration", $"{pause.PauseMs:0.0} ms", $"{pause.GapMs:0.0} ms", $"{pause.RestartRatio:0.0} times");
        table.Row("checkpoint restart (best of " + result.Restarts.Count + ")", $"{result.RestartMs:0.0} ms", "", "");
        output.Console.Write(table);
    }

    private sealed record MeasuredPause(string Kind, double PauseMs, double GapMs, double DetectionMs, double RestartRatio);

    private sealed record RestartComparison(int Ranks, double MedianStepMs, IReadOnlyList<MeasuredPause> Migrations, IReadOnlyList<double> Restarts, double RestartMs);
}
