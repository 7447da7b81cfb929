using System.CommandLine;
using TrainMover.Cli.Bench;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Demo;
using TrainMover.Cli.Jobs;

namespace TrainMover.Cli.Verbs;

internal static class BenchVerb
{
    public static Command Create()
    {
        var command = new Command("bench", "Measures.");
        command.Subcommands.Add(PauseBenchVerbs.Restart());
        command.Subcommands.Add(MigrateBenchVerb.Create());
        command.Subcommands.Add(PauseBenchVerbs.Ablation());
        command.Subcommands.Add(PauseBenchVerbs.Flatness());
        command.Subcommands.Add(PauseBenchVerbs.Efficiency());
        command.Subcommands.Add(DeltaPlan());
        command.Subcommands.Add(DetectBenchVerb.Create());
        command.Subcommands.Add(LatencyBenchVerbs.Latency());
        command.Subcommands.Add(LatencyBenchVerbs.Quiet());
        command.Subcommands.Add(CollectivesVerb.Create());
        command.Subcommands.Add(ParseBenchVerb.Create());
        command.Subcommands.Add(IngestVerb.Create());
        command.Subcommands.Add(CollectivesVerb.CreateRank());
        command.Subcommands.Add(IngestVerb.CreateReader());
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
}
