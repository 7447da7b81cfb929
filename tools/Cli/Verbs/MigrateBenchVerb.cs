using System.CommandLine;
using TrainMover.Cli.Bench;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Verbs;

internal static class MigrateBenchVerb
{
    public static Command Create()
    {
        var file = ResultFile.Option();
        var only = new Option<string[]>("--only")
        {
            Description = "Only cases whose name has this in it, for example \"dp4\" or \"50M\"; several must all be in it.",
            AllowMultipleArgumentsPerToken = true,
        };
        var command = new Command("migrate", "Measures an expected and an unexpected migration in every layout and size, and proves each against an uninterrupted run.");
        command.Options.Add(file);
        command.Options.Add(only);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            var wanted = parsed.GetValue(only) ?? [];
            var report = await MigrateBench.RunAsync(output, Access.Current(), name => wanted.All(part => name.Contains(part, StringComparison.OrdinalIgnoreCase)), ct);
            await target.WriteAsync(report, ct);
            MigrateBench.Tell(output, report);
            return report.AllProven ? 0 : 1;
        });
        return command;
    }
}
