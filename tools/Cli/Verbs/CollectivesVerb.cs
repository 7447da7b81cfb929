using System.CommandLine;
using TrainMover.Cli.Bench;
using TrainMover.Cli.Bench.CollectiveCalls;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Verbs;

internal static class CollectivesVerb
{
    public const string RankVerb = "collectives-rank";

    public static Command Create()
    {
        var file = ResultFile.Option();
        var command = new Command("collectives", "Measures all-reduce, all-gather and broadcast beside OpenMPI, over TCP and memory, with 2 and 4 ranks (about twelve minutes).");
        command.Options.Add(file);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            var result = await CollectivesBench.RunAsync(Access.Current(), output.Progress, ct);
            await target.WriteAsync(result, ct);
            CollectivesBench.Tell(output, result);
            return 0;
        });
        return command;
    }

    /// <summary>What the measurement starts: not for people.</summary>
    public static Command CreateRank()
    {
        var machine = new Option<int>("--machine");
        var ranks = new Option<int>("--ranks-here");
        var command = new Command(RankVerb, "A process of bench collectives.") { Hidden = true };
        command.Options.Add(machine);
        command.Options.Add(ranks);
        command.SetAction(async (parsed, ct) =>
        {
            await RankProgram.RunAsync(parsed.GetValue(machine), parsed.GetValue(ranks), ct);
            return 0;
        });
        return command;
    }
}
