using System.CommandLine;
using Spectre.Console;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Story;

namespace TrainMover.Cli.Verbs;

internal static class MigrationsVerb
{
    public static Command Create()
    {
        var id = new Argument<string?>("ID") { Description = "One migration; all of them unless given.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("migrations", "Lists the migrations, or tells one of them with its phases.");
        var figure = new Option<string?>("--figure") { Description = "PNG file that receives a picture of the one migration." };
        command.Arguments.Add(id);
        command.Options.Add(figure);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            if (parsed.GetValue(figure) is not null && parsed.GetValue(id) is null) throw new BadInputException("--figure draws one migration: name it.");
            await using var log = await OpenLog.OpenAsync(Access.Current(), ct);
            var all = await log.AllAsync(ct);
            var wanted = parsed.GetValue(id) is { } name ? await MigrationIds.StreamAsync(log, name, ct) : null;
            var stories = all.Where(logged => logged.Stream.StartsWith("migration-", StringComparison.Ordinal) && (wanted is null || logged.Stream == wanted))
                .GroupBy(logged => logged.Stream).Select(stream => MigrationStory.Of([.. stream], all)).OfType<MigrationStory>().ToList();
            if (parsed.GetValue(figure) is { } file) MigrationFigure.Write(stories[0], file);
            if (output.IsJson) output.Json(wanted is null ? stories.Select(MigrationRecord.Of) : MigrationRecord.Of(stories[0]));
            else if (wanted is not null) WriteOne(output, stories[0], all);
            else WriteAll(output, stories);
            return 0;
        });
        return command;
    }

    private static void WriteOne(Output output, MigrationStory story, List<EventLog.LoggedEvent> all)
    {
        StoryTables.WriteHead(output, story);
        StoryTables.WritePhases(output, story);
        StoryTables.WriteBytes(output, story);
        StoryTables.WriteEvents(output, story.Events, all);
    }

    private static void WriteAll(Output output, List<MigrationStory> stories)
    {
        if (stories.Count == 0)
        {
            output.Line("No migration yet: ./trainmover inject --machine m1 --kind maintenance asks for one.");
            return;
        }

        var table = Output.Table("migration", "job", "kind", "moves", "phase", "pause", "steps lost", "why");
        foreach (var story in stories)
        {
            table.Row(
                story.Plan.MigrationId, story.Plan.JobId, story.IsUnexpected ? "unexpected" : "expected", StoryTables.Moves(story.Plan), StoryTables.Phase(story),
                StoryTables.Pause(story.PauseMs), story.Completed?.LostSteps.ToString() ?? "-", story.Plan.Reason);
        }

        output.Console.Write(table);
    }
}
