using System.CommandLine;
using System.CommandLine.Parsing;
using TrainMover.Cli.Verbs;

namespace TrainMover.Cli.CommandLine;

/// <summary>Parses the command line, runs the verb, and turns every failure into one line and an exit code.</summary>
internal static class Entry
{
    private const int Failed = 1;
    private const int BadUsage = 2;

    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("TrainMover keeps a training job going: it replaces an interrupted machine while the others train on. (./trainmover test runs the tests.)");
        foreach (var verb in Commands())
        {
            // bench has a --json of its own, which takes a file.
            if (verb is { Hidden: false, Name: not "bench" }) verb.Options.Add(Output.JsonOption);
            root.Subcommands.Add(verb);
        }

        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed.Errors.Count > 0)
        {
            var what = parsed.UnmatchedTokens.Count > 0 ? $"\"{parsed.UnmatchedTokens[0]}\" is not understood" : parsed.Errors[0].Message.TrimEnd('.');

            // The alternatives come one per line.
            var said = string.Join(' ', what.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            Output.Error($"{said}: ./trainmover {VerbName(parsed.CommandResult)}--help tells what is understood.");
            return BadUsage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(40) });
        }
        catch (BadInputException exception)
        {
            Output.Error(exception.Message);
            return BadUsage;
        }
        catch (OperationCanceledException)
        {
            Output.Error("stopped.");
            return Failed;
        }
        catch (Exception exception) when (Environment.GetEnvironmentVariable("TRAINMOVER_DEBUG") is null)
        {
            Output.Error(FailureText.Of(exception));
            return Failed;
        }
    }

    private static IEnumerable<Command> Commands() =>
    [
        DemoVerb.Create(), UpVerb.Create(), DownVerb.Create(), StatusVerb.Create(), SubmitVerb.Create(), InjectVerb.Create(), EventsVerb.Create(),
        MigrationsVerb.Create(), DetectorsVerb.Create(), TrainDetectorVerb.Create(), WhyVerb.Create(), ReplayVerb.Create(), VerifyVerb.Create(), BenchVerb.Create(), DoctorVerb.Create(), DocsVerb.Create(), BrokerVerb.Create(),
    ];

    private static string VerbName(CommandResult called) => called.Parent is CommandResult parent ? $"{VerbName(parent)}{called.Command.Name} " : "";
}
