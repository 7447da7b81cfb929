using System.CommandLine;
using TrainMover.Cli.Bench;
using TrainMover.Cli.Bench.Detect;
using TrainMover.Cli.CommandLine;
using TrainMover.Detection.Campaigns;

namespace TrainMover.Cli.Verbs;

internal static class DetectBenchVerb
{
    public static Command Create()
    {
        var file = ResultFile.Option();
        var data = new Option<string?>("--data") { Description = "Folder with the data, laid out as docs/detection.md tells; ../shared/data beside the project by default." };
        var models = new Option<string?>("--models") { Description = "Folder that receives the learned models, one file per class of machines." };
        var plots = new Option<string?>("--plots") { Description = "Folder that receives a PNG per series and machine: score against labels." };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the fault campaign.", DefaultValueFactory = _ => Campaign.DefaultSeed };
        var command = new Command("detect", "Measures every detector on real data and in simulated fault campaigns: precision, recall, false alarms and delay.");
        command.Options.Add(file);
        command.Options.Add(data);
        command.Options.Add(models);
        command.Options.Add(plots);
        command.Options.Add(seed);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            var result = DetectBench.Run(parsed.GetValue(data) ?? Path.Combine(Access.Current().Root, "..", "shared", "data"), parsed.GetValue(models), parsed.GetValue(seed), output.Progress);
            await target.WriteAsync(result, ct);
            if (parsed.GetValue(plots) is { } folder) ScoreCharts.Write(folder, result.Plots);
            DetectBench.Tell(output, result);
            return result.AllMet ? 0 : 1;
        });
        return command;
    }
}
