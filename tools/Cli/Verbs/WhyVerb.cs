using System.CommandLine;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Story;

namespace TrainMover.Cli.Verbs;

internal static class WhyVerb
{
    private const int MostNamed = 5;

    public static Command Create()
    {
        var id = new Argument<string?>("INTERRUPTION") { Description = "One interruption; the last one unless given.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("why", "Says why an interruption was raised: which detector, by which settings, on which samples, what was ruled out, and what followed.");
        command.Arguments.Add(id);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            await using var log = await OpenLog.OpenAsync(Access.Current(), ct);
            var all = await log.AllAsync(ct);
            var story = InterruptionStory.Of(parsed.GetValue(id), all) ?? throw Unknown(parsed.GetValue(id), all);
            if (output.IsJson) output.Json(story);
            else WhyTables.Write(output, story);
            return 0;
        });
        return command;
    }

    private static BadInputException Unknown(string? id, List<EventLog.LoggedEvent> all)
    {
        var last = all.Select(logged => InterruptionStory.FindingOf(logged.Data)?.InterruptionId).OfType<string>().Distinct().TakeLast(MostNamed).ToList();
        return new BadInputException(last.Count == 0 ? "No interruption yet: ./trainmover inject --machine m1 --kind maintenance asks for one." : $"The log knows no interruption {id}. The last ones are {string.Join(", ", last)}.");
    }
}
