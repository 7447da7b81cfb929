using System.CommandLine;
using Spectre.Console;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Cli.Jobs;
using TrainMover.Cli.Story;

namespace TrainMover.Cli.Verbs;

internal static class DemoVerb
{
    private const int LeastSteps = 80;
    private const int UsualSteps = 180;

    public static Command Create()
    {
        var report = new Option<string?>("--report") { Description = "File that receives the figures as JSON." };
        var steps = new Option<int>("--steps") { Description = $"Steps to train, {LeastSteps} or more.", DefaultValueFactory = _ => UsualSteps };
        var data = new Option<string?>("--data") { Description = "Text to train on; the project's own source and docs unless given." };
        var command = new Command("demo", "Trains a real job, interrupts it twice, and proves that nothing was lost.");
        foreach (var option in (Option[])[report, steps, data]) command.Options.Add(option);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            if (parsed.GetValue(steps) is var count && count is < LeastSteps or > 10_000) throw new BadInputException($"--steps goes from {LeastSteps} to 10000.");
            if (parsed.GetValue(data) is { } text && !File.Exists(text)) throw new BadInputException($"{text} does not exist: give the path of a text file.");
            if (parsed.GetValue(report) is { } file && Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder && !Directory.Exists(folder))
                throw new BadInputException($"The folder {folder} does not exist: create it, or choose another file for --report.");

            var result = await RunAsync(output, Access.Current(), new JobFile { Id = "demo", Steps = count, Seed = 7 }, parsed.GetValue(data), ct);
            if (parsed.GetValue(report) is { } target) await result.WriteAsync(target, ct);
            if (output.IsJson) output.Json(result);
            var shortcomings = result.Shortcomings();
            foreach (var shortcoming in shortcomings) Output.Error(shortcoming);
            return shortcomings.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static async Task<DemoReport> RunAsync(Output output, Access access, JobFile job, string? data, CancellationToken ct)
    {
        RunRecord record;
        Access deployed;
        await using (var run = await TrainingRun.StartAsync(access, "demo", job, data, output.Progress, ct))
        {
            deployed = run.Access;
            record = await new LiveView(output, run).ShowAsync(ct);
            output.Progress.Report("stopping everything");
        }

        output.Progress.Report("training the same job again without interruptions, for comparison");
        var reference = await ReferenceRun.RunAsync(deployed, record.Job, ct);
        var report = ReportBuilder.Build(record, reference);
        if (!output.IsJson) Tell(output, record, report);
        return report;
    }

    private static void Tell(Output output, RunRecord record, DemoReport report)
    {
        foreach (var story in record.Stories)
        {
            output.Console.Write(new Rule { Style = Style.Parse("grey") });
            StoryTables.WriteHead(output, story);
            StoryTables.WritePhases(output, story);
            StoryTables.WriteEvents(output, story.Interruptions.Concat(story.Events), record.Events);
        }

        output.Console.Write(new Rule { Style = Style.Parse("grey") });
        var table = Output.Table("migration", "moves", "detection", "pause", "without detection", "gap seen from outside", "median step", "steps lost", "outcome");
        foreach (var migration in report.Migrations)
        {
            var without = migration.Kind == "unexpected" ? migration.PauseMs - migration.DetectionMs : migration.PauseMs;
            table.Row(
                migration.Kind, $"{migration.Leaver} -> {migration.Joiner}", $"{migration.DetectionMs:0.0} ms", $"{migration.PauseMs:0.0} ms", $"{without:0.0} ms",
                $"{migration.GapMs:0.0} ms", $"{migration.MedianStepMs:0.0} ms", $"{migration.LostSteps}", migration.Outcome);
        }

        output.Console.Write(table);
        output.Line($"Trained {report.Steps.Count} steps of {report.Job.Parameters:N0} parameters in {report.Efficiency.WallSeconds:0.0} s, {report.Efficiency.PauseSeconds:0.00} s of it paused (ETTR {report.Efficiency.Ettr:0.0000}).");
        output.Line(report.Reference.BitIdentical
            ? "Every loss and the final state of every rank equal those of an uninterrupted run, bit for bit."
            : "Losses or final states DIFFER from those of an uninterrupted run.");
        output.Line($"The log holds {report.Audit.Events} events; {(report.Audit.ChainVerified ? "nobody altered it" : "it was ALTERED")}, {report.Audit.Unpublished} are unpublished.");
        output.Line("Look again: ./trainmover migrations, ./trainmover replay ID, ./trainmover verify.");
    }
}
