using System.CommandLine;
using TrainMover.Cli.Bench;
using TrainMover.Cli.Bench.Latency;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Verbs;

/// <summary>The benches of detection in a live job.</summary>
internal static class LatencyBenchVerbs
{
    private const int MostRepeats = 100;
    private const int MostMinutes = 24 * 60;

    public static Command Latency()
    {
        var file = ResultFile.Option();
        var repeats = new Option<int>("--repeat") { Description = "Repetitions of each fault.", DefaultValueFactory = _ => 20 };
        var only = new Option<string?>("--only") { Description = "One fault only." };
        only.AcceptOnlyFromAmong([.. Fault.All.Select(fault => fault.Name)]);
        var command = new Command("latency", "Measures in a live job how soon faults are raised; exit code 1 if a bar is missed.");
        foreach (var option in (Option[])[file, repeats, only]) command.Options.Add(option);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            if (parsed.GetValue(repeats) is var count and (< 1 or > MostRepeats)) throw new BadInputException($"--repeat {count} is not in 1..{MostRepeats}.");
            var faults = Fault.All.Where(fault => parsed.GetValue(only) is not { } name || fault.Name == name).ToList();
            var result = await LatencyBench.RunAsync(output, Access.Current(), faults, parsed.GetValue(repeats), ct);
            await target.WriteAsync(result, ct);
            LatencyBench.Tell(output, result);
            return result.Passed ? 0 : 1;
        });
        return command;
    }

    public static Command Quiet()
    {
        var file = ResultFile.Option();
        var minutes = new Option<int>("--minutes") { Description = "Length of the loaded part.", DefaultValueFactory = _ => 30 };
        var command = new Command("quiet", "Counts what is raised in healthy training while every core is loaded by something else; exit code 1 if anything is that nobody caused.");
        command.Options.Add(file);
        command.Options.Add(minutes);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            if (parsed.GetValue(minutes) is var length and (< 1 or > MostMinutes)) throw new BadInputException($"--minutes {length} is not in 1..{MostMinutes}.");
            var result = await QuietBench.RunAsync(output, Access.Current(), TimeSpan.FromMinutes(parsed.GetValue(minutes)), ct);
            await target.WriteAsync(result, ct);
            QuietBench.Tell(output, result);
            return result.Passed ? 0 : 1;
        });
        return command;
    }
}
