using System.CommandLine;
using TrainMover.Cli.Bench;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Verbs;

/// <summary>The benches of what a pause depends on.</summary>
internal static class PauseBenchVerbs
{
    private const int Repeats = 3;

    // The pauses compared are shorter than steps differ from each other.
    private const int FlatnessRepeats = 7;
    private const int MostRepeats = 20;
    private const int LeastSeconds = 60;
    private const int MostSeconds = 3600;

    public static Command Restart() => Repeated(
        "restart", "Measures both migrations' pauses beside checkpoint restarts of the same job, in one run; medians.", (_, output, access, repeats, ct) => RestartBench.RunAsync(output, access, repeats, ct), RestartBench.Tell, Repeats);

    public static Command Ablation()
    {
        var size = new Option<string>("--size") { Description = "Parameters of the model.", DefaultValueFactory = _ => MigrateSize.All[1].Name };
        size.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, [.. MigrateSize.All.Select(one => one.Name)]);
        var full = new Option<bool>("--full") { Description = "Measures the full system and the restart only." };
        return Repeated(
            "ablation", "Measures what each technique saves: restart, naive live migration, and one technique more each time, in one run; medians (about ten minutes).",
            (parsed, output, access, repeats, ct) => AblationBench.RunAsync(
                output, access, MigrateSize.All.First(one => one.Name.Equals(parsed.GetValue(size), StringComparison.OrdinalIgnoreCase)), [.. AblationStage.All.Where(stage => stage.IsFull || !parsed.GetValue(full))], repeats, ct),
            AblationBench.Tell, Repeats, size, full);
    }

    public static Command Flatness()
    {
        string[] cases = [.. MigrateSize.All.Select(size => size.Name), FlatnessBench.MachinesName];
        var only = new Option<string[]>("--only") { Description = "Some of the cases only.", AllowMultipleArgumentsPerToken = true };
        only.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, cases);
        return Repeated(
            "flatness", "Measures expected migrations of models of 1 M to 50 M parameters, and of one to three machines at once; medians (about twenty minutes).",
            (parsed, output, access, repeats, ct) =>
            {
                var wanted = parsed.GetValue(only) is { Length: > 0 } named ? named : cases;
                return FlatnessBench.RunAsync(output, access, name => wanted.Contains(name, StringComparer.OrdinalIgnoreCase), repeats, ct);
            },
            FlatnessBench.Tell, FlatnessRepeats, only);
    }

    public static Command Efficiency()
    {
        var file = ResultFile.Option();
        var seconds = new Option<int>("--seconds") { Description = "Length of the part with a rebalancing every 30 s.", DefaultValueFactory = _ => 300 };
        var command = new Command("efficiency", "Measures what a rebalancing every 30 s costs a live job, beside the same job without (about eight minutes).");
        command.Options.Add(file);
        command.Options.Add(seconds);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            if (parsed.GetValue(seconds) is var length and (< LeastSeconds or > MostSeconds))
                throw new BadInputException($"--seconds {length} is not in {LeastSeconds}..{MostSeconds}.");
            var result = await EfficiencyBench.RunAsync(output, Access.Current(), TimeSpan.FromSeconds(parsed.GetValue(seconds)), ct);
            await target.WriteAsync(result, ct);
            EfficiencyBench.Tell(output, result);
            return 0;
        });
        return command;
    }

    private static Command Repeated<TReport>(
        string name, string description, Func<ParseResult, Output, Access, int, CancellationToken, Task<TReport>> measure, Action<Output, TReport> tell, int usually, params Option[] options)
        where TReport : notnull
    {
        var file = ResultFile.Option();
        var repeats = new Option<int>("--repeat") { Description = "Repetitions of each case.", DefaultValueFactory = _ => usually };
        var command = new Command(name, description);
        command.Options.Add(file);
        command.Options.Add(repeats);
        foreach (var option in options) command.Options.Add(option);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            if (parsed.GetValue(repeats) is var count and (< 1 or > MostRepeats))
                throw new BadInputException($"--repeat {count} is not in 1..{MostRepeats}.");
            var result = await measure(parsed, output, Access.Current(), parsed.GetValue(repeats), ct);
            await target.WriteAsync(result, ct);
            tell(output, result);
            return 0;
        });
        return command;
    }
}
