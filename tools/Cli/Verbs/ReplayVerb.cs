using System.CommandLine;
using System.Text.Json;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Story;
using TrainMover.Contracts;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Interruptions;
using TrainMover.Domain.Jobs;
using TrainMover.Domain.Migrations;
using TrainMover.EventLog;

namespace TrainMover.Cli.Verbs;

internal static class ReplayVerb
{
    public static Command Create()
    {
        var id = new Argument<string>("ID") { Description = "A migration; also an interruption, a job or a machine." };
        var at = new Option<string?>("--at") { Description = "As it was known at a time (2026-01-31T12:00:00Z), or before now (10m)." };
        var version = new Option<long?>("--version") { Description = "As it was after this many of its events." };
        var command = new Command("replay", "Shows what was known, who decided what and why, at any point of the past.");
        command.Arguments.Add(id);
        command.Options.Add(at);
        command.Options.Add(version);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            if (parsed.GetValue(at) is not null && parsed.GetValue(version) is not null) throw new BadInputException("--at and --version say the same thing: give one of them.");
            if (parsed.GetValue(version) is < 1) throw new BadInputException("--version counts events from 1.");
            var to = parsed.GetValue(at) is { } text ? Times.Parse(text, "--at", TimeProvider.System) : (DateTimeOffset?)null;
            await using var log = await OpenLog.OpenAsync(Access.Current(), ct);
            var stream = await MigrationIds.AnyStreamAsync(log, parsed.GetRequiredValue(id), ct);
            var events = await log.Events.ReadStreamAsync(stream, parsed.GetValue(version), to, ct);
            if (events.Count == 0) throw new BadInputException($"Nothing was known of {stream} then: its first event came later.");
            var all = await log.AllAsync(ct);
            var known = all.Where(logged => logged.RecordedAt <= events[^1].RecordedAt).ToList();
            if (MigrationStory.Of(events, known) is { } story) ShowMigration(output, story, known);
            else ShowState(output, stream, events, known);
            return 0;
        });
        return command;
    }

    private static void ShowMigration(Output output, MigrationStory story, List<LoggedEvent> known)
    {
        if (output.IsJson)
        {
            output.Json(new { asOf = story.Events[^1].RecordedAt, version = story.Events[^1].Version, migration = MigrationRecord.Of(story) });
            return;
        }

        output.Line($"As of {story.Events[^1].RecordedAt:yyyy-MM-dd HH:mm:ss.fff} UTC, version {story.Events[^1].Version}:");
        StoryTables.WriteHead(output, story);
        var waiting = story.State.Ended || story.State.SwitchOrdered ? [] : story.State.Participants.Except(story.State.Ready.Keys).ToList();
        if (waiting.Count > 0) output.Line($"  waits for   {string.Join(", ", waiting)} to be ready");
        StoryTables.WritePhases(output, story);
        StoryTables.WriteEvents(output, story.Interruptions.Concat(story.Events), known);
    }

    private static void ShowState(Output output, string stream, IReadOnlyList<LoggedEvent> events, List<LoggedEvent> known)
    {
        var state = Fold(stream, events);
        if (output.IsJson)
        {
            output.Json(new { stream, asOf = events[^1].RecordedAt, version = events[^1].Version, state, events = events.Select(EventRecord.Of) });
            return;
        }

        output.Line($"{stream} as of {events[^1].RecordedAt:yyyy-MM-dd HH:mm:ss.fff} UTC, version {events[^1].Version}:");
        output.Line(JsonSerializer.Serialize(state, Catalog.Json));
        StoryTables.WriteEvents(output, events, known);
    }

    private static object Fold(string stream, IReadOnlyList<LoggedEvent> events) => stream[..stream.IndexOf('-', StringComparison.Ordinal)] switch
    {
        "interruption" => events.Aggregate(Interruption.Initial, (state, logged) => state.Evolve(logged.Data)),
        "job" => events.Aggregate(Job.Initial, (state, logged) => state.Evolve(logged.Data)),
        "machine" => events.Aggregate(Machine.Initial, (state, logged) => state.Evolve(logged.Data)),
        _ => throw new BadInputException($"{stream} does not begin with a plan: ./trainmover verify says whether the log was altered."),
    };
}
