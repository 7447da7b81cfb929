using Spectre.Console;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Story;

/// <summary>The answer to "why", for people.</summary>
internal static class WhyTables
{
    public static void Write(Output output, InterruptionStory story)
    {
        output.Console.MarkupLineInterpolated($"[bold]{story.InterruptionId}[/]  {story.Kind}, {story.Cause}, {story.Severity}, {string.Join(", ", story.Machines)}: [bold]{story.Status}[/]");
        output.Line($"  why       {story.Reason}");
        output.Line($"  found     {story.FoundAt:yyyy-MM-dd HH:mm:ss.fff}");
        var judge = story.Detector;
        output.Line(judge.Mode is null
            ? $"  detector  {judge.Name}: no detector of this deployment; what it judges by is not known here"
            : $"  detector  {judge.Name}, {judge.Mode}, version {judge.Version} of its settings, since {judge.Since:yyyy-MM-dd HH:mm:ss} by {judge.Who}: {judge.Why}");

        if (judge.Settings.Count > 0)
        {
            var settings = Output.Table("setting", "value");
            foreach (var (name, value) in judge.Settings) settings.Row(name, value);
            output.Console.Write(settings);
        }

        var samples = Output.Table("sample", "source", "message");
        foreach (var sample in story.Samples) samples.Row(sample.Observation, sample.Source, sample.MessageId);
        output.Console.Write(samples);
        foreach (var explanation in story.RuledOut) output.Line($"  ruled out {explanation}");
        if (story.RuledOut.Count == 0) output.Line("  ruled out nothing: this detector looks at no other explanation");
        foreach (var consequence in story.LedTo)
            output.Line($"  led to    {consequence.What}{(consequence.MigrationId is null ? "" : $" {consequence.MigrationId}")}{(consequence.At is { } at ? $" at {at:HH:mm:ss.fff}" : "")}: {consequence.Detail}");
    }
}
