using System.CommandLine;
using Spectre.Console;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Story;
using TrainMover.Domain.Migrations;
using TrainMover.EventLog;

namespace TrainMover.Cli.Verbs;

internal static class EventsVerb
{
    private static readonly TimeSpan FollowInterval = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what is appended, until Ctrl-C." };
        var since = new Option<string?>("--since") { Description = "Only events since a time, or since a span before now (10m)." };
        var migration = new Option<string?>("--migration") { Description = "Only events of this migration." };
        var command = new Command("events", "Shows the event log, from PostgreSQL alone.");
        foreach (var option in (Option[])[follow, since, migration]) command.Options.Add(option);
        command.SetAction(async (parsed, ct) =>
        {
            var output = Output.Of(parsed);
            var from = parsed.GetValue(since) is { } text ? Times.Parse(text, "--since", TimeProvider.System) : (DateTimeOffset?)null;
            await using var log = await OpenLog.OpenAsync(Access.Current(), ct);
            var stream = parsed.GetValue(migration) is { } id ? await MigrationIds.StreamAsync(log, id, ct) : null;

            bool Wanted(LoggedEvent logged) => (from is null || logged.RecordedAt >= from) && (stream is null || logged.Stream == stream);

            var cursor = new LogCursor(log.Events);
            var events = new List<LoggedEvent>();
            await foreach (var logged in cursor.NewAsync(ct)) events.Add(logged);
            Show(output, events.Where(Wanted).ToList(), new CauseText(events));
            if (!parsed.GetValue(follow)) return 0;

            using var timer = new PeriodicTimer(FollowInterval);
            try
            {
                do
                {
                    await foreach (var logged in cursor.NewAsync(ct))
                    {
                        if (!Wanted(logged)) continue;
                        if (output.IsJson) output.JsonLine(EventRecord.Of(logged));
                        else output.Line($"{logged.Sequence,6}  {logged.RecordedAt:HH:mm:ss.fff}  {EventText.ShortType(logged.Type),-32}  {logged.Actor,-9}  {EventText.Of(logged.Data)}");
                    }
                }
                while (await timer.WaitForNextTickAsync(ct));
            }
            catch (OperationCanceledException)
            {
                // Ctrl-C is how following ends.
            }

            return 0;
        });
        return command;
    }

    private static void Show(Output output, List<LoggedEvent> events, CauseText causes)
    {
        if (output.IsJson)
        {
            foreach (var logged in events) output.JsonLine(EventRecord.Of(logged));
            return;
        }

        var table = Output.Table("#", "time", "event", "by", "cause", "what");
        foreach (var logged in events)
            table.Row($"{logged.Sequence}", $"{logged.RecordedAt:HH:mm:ss.fff}", EventText.ShortType(logged.Type), logged.Actor, causes.Of(logged), EventText.Of(logged.Data));
        output.Console.Write(table);
    }
}
