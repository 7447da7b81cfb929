using System.CommandLine;
using TrainMover.Cli.Bench;
using TrainMover.Cli.Bench.Parse;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Verbs;

internal static class ParseBenchVerb
{
    private const long DefaultLines = 10_000_000;
    private const int DefaultSeed = 20_260_801;

    public static Command Create()
    {
        var file = ResultFile.Option();
        var lines = new Option<long>("--lines") { Description = "Lines to make and read.", DefaultValueFactory = _ => DefaultLines };
        var seed = new Option<int>("--seed") { Description = "Start of the random numbers.", DefaultValueFactory = _ => DefaultSeed };
        var command = new Command("parse", "Feeds broken lines to the parsers of kernel logs and metrics: none may throw, and memory does not grow.");
        command.Options.Add(file);
        command.Options.Add(lines);
        command.Options.Add(seed);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            if (parsed.GetValue(lines) is < 1 and var count) throw new BadInputException($"--lines {count} is not positive.");
            var result = ParseBench.Run(parsed.GetValue(lines), parsed.GetValue(seed), output.Progress, ct);
            await target.WriteAsync(result, ct);
            ParseBench.Tell(output, result);
            return result is { NoException: true, MemoryBounded: true } ? 0 : 1;
        });
        return command;
    }
}
