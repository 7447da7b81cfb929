using System.CommandLine;
using TrainMover.Cli.Bench;
using TrainMover.Cli.Bench.Ingest;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Verbs;

internal static class IngestVerb
{
    public const string ReaderVerb = "ingest-reader";

    public static Command Create()
    {
        var file = ResultFile.Option();
        var seconds = new Option<int>("--seconds") { Description = "How long the fleet sends once a second, 10 or more; 600 for the long run.", DefaultValueFactory = _ => 30 };
        seconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 10) result.AddError("--seconds goes from 10 on");
        });
        var command = new Command("ingest", "Measures how much telemetry the Detector reads on one processor, beside a bare client that only parses it.");
        command.Options.Add(file);
        command.Options.Add(seconds);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.ForPeople();
            var target = ResultFile.Of(parsed.GetValue(file));
            var report = await IngestBench.RunAsync(parsed.GetValue(seconds), output.Progress, ct);
            await target.WriteAsync(report, ct);
            IngestBench.Tell(output, report);
            return report.AllMet ? 0 : 1;
        });
        return command;
    }

    /// <summary>What the measurement starts: not for people.</summary>
    public static Command CreateReader()
    {
        var kind = new Option<string>("--kind") { Required = true };
        var kafka = new Option<string>("--kafka") { Required = true };
        var prefix = new Option<string>("--prefix") { Required = true };
        var group = new Option<string>("--group") { Required = true };
        var command = new Command(ReaderVerb, "A process of bench ingest.") { Hidden = true };
        foreach (var option in (Option[])[kind, kafka, prefix, group]) command.Options.Add(option);
        command.SetAction(async (parsed, ct) =>
        {
            await new IngestReader(parsed.GetRequiredValue(kafka), parsed.GetRequiredValue(prefix), parsed.GetRequiredValue(group)).RunAsync(parsed.GetRequiredValue(kind), ct);
            return 0;
        });
        return command;
    }
}
