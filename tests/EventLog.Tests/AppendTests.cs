using System.Text.Json;
using TrainMover.Fixtures;

namespace TrainMover.EventLog.Tests;

public sealed class AppendTests(PostgresFixture postgres) : LogTest(postgres)
{
    [Fact]
    public async Task What_is_appended_is_returned_and_read_back_with_all_its_metadata()
    {
        var appended = await AppendAsync("job-1", 0, LedgerEvents.Open(), new Noted("x", 7));

        appended.AlreadyProcessed.ShouldBeFalse();
        appended.Events.Select(one => (one.Stream, one.Version, one.Type, one.Actor, one.CorrelationId, one.CausationId)).ShouldBe(
            [("job-1", 1L, LedgerEvents.Opened, "tester", "story-1", "cause-1"), ("job-1", 2L, LedgerEvents.Noted, "tester", "story-1", "cause-1")]);
        appended.Events.Select(one => one.Sequence).ShouldBe([1L, 2L]);
        var read = await Log.ReadStreamAsync("job-1", ct: Ct);
        read.Select(one => (one.Id, one.Sequence, one.RecordedAt, one.Hash)).ShouldBe(appended.Events.Select(one => (one.Id, one.Sequence, one.RecordedAt, one.Hash)));
        read[1].Data.ShouldBe(new Noted("x", 7));
        read[0].Data.ShouldBeOfType<Opened>().Mood.ShouldBe(Mood.VeryCalm);
        read[0].Json.GetProperty("mood").GetString().ShouldBe("veryCalm");
        read[0].Json.GetProperty("scores").GetProperty("zeta").GetDouble().ShouldBe(1e21);
    }

    [Fact]
    public async Task An_append_at_an_outdated_version_is_refused_and_leaves_nothing()
    {
        await AppendAsync("job-1", 0, LedgerEvents.Open());

        var conflict = await Should.ThrowAsync<StreamConflictException>(() => Log.AppendAsync(
            [new StreamAppend("job-2", 0, [LedgerEvents.Open()]), new StreamAppend("job-1", 0, [new Noted("late", 1)])],
            Tester with { Processed = new("planner", "/a", "1"), Position = new("planner", "migrations", 5) }, Ct));

        (conflict.Stream, conflict.Expected, conflict.Actual).ShouldBe(("job-1", 0L, 1L));
        (await Log.StreamsAsync("job-", Ct)).ShouldBe(["job-1"]);
        (await Log.IsProcessedAsync(new("planner", "/a", "1"), Ct)).ShouldBeFalse();
        (await Log.LowestPositionAsync(ct: Ct)).ShouldBe(0);
    }

    [Fact]
    public async Task Of_many_appends_at_the_same_version_exactly_one_wins()
    {
        await AppendAsync("job-1", 0, LedgerEvents.Open());

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 12).Select(async number =>
        {
            try
            {
                await AppendAsync("job-1", 1, new Noted("race", number));
                return true;
            }
            catch (StreamConflictException)
            {
                return false;
            }
        }));

        outcomes.Count(won => won).ShouldBe(1);
        (await Log.ReadStreamAsync("job-1", ct: Ct)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Many_appends_at_any_version_all_succeed_in_one_unbroken_stream()
    {
        await Task.WhenAll(Enumerable.Range(0, 12).Select(number => AppendAsync("job-1", null, new Noted("any", number))));

        (await Log.ReadStreamAsync("job-1", ct: Ct)).Select(one => one.Version).ShouldBe(Enumerable.Range(1, 12).Select(version => (long)version));
    }

    [Fact]
    public async Task A_message_takes_effect_once_however_often_and_concurrently_it_comes()
    {
        var context = Tester with { Processed = new("planner", "/detector", "m-1"), Position = new("planner", "interruptions", 41) };

        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(number =>
            Log.AppendAsync([new StreamAppend($"job-{number}", 0, [LedgerEvents.Open()])], context, Ct)));

        results.Count(result => !result.AlreadyProcessed).ShouldBe(1);
        (await Log.StreamsAsync("job-", Ct)).Count.ShouldBe(1);
        (await Log.IsProcessedAsync(new("planner", "/detector", "m-1"), Ct)).ShouldBeTrue();
        (await Log.IsProcessedAsync(new("executor", "/detector", "m-1"), Ct)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_message_without_effect_is_marked_and_its_position_stored()
    {
        var result = await Log.AppendAsync([], Tester with { Processed = new("planner", "/a", "9"), Position = new("planner", "migrations", 12) }, Ct);

        result.Events.ShouldBeEmpty();
        (await Log.IsProcessedAsync(new("planner", "/a", "9"), Ct)).ShouldBeTrue();
        (await Log.LowestPositionAsync("migrations", Ct)).ShouldBe(12);
    }

    [Fact]
    public async Task The_lowest_position_is_that_of_the_slowest_consumer_and_never_moves_back()
    {
        await Log.StorePositionAsync(new("planner", "migrations", 20), Ct);
        await Log.StorePositionAsync(new("executor", "migrations", 9), Ct);
        await Log.StorePositionAsync(new("executor", "migrations", 4), Ct);
        await Log.StorePositionAsync(new("detector", "interruptions", 2), Ct);

        (await Log.LowestPositionAsync("migrations", Ct)).ShouldBe(9);
        (await Log.LowestPositionAsync(ct: Ct)).ShouldBe(2);
    }

    [Fact]
    public async Task An_event_that_is_not_registered_is_refused_by_name()
    {
        var refused = await Should.ThrowAsync<ArgumentException>(() => AppendAsync("job-1", 0, new Version(1, 2)));

        refused.Message.ShouldStartWith("Version is not a registered event");
    }

    [Fact]
    public async Task An_event_of_a_newer_build_is_read_as_json()
    {
        await AppendAsync("job-1", 0, LedgerEvents.Open(), new Noted("new", 3));
        var older = new MartenEventLog(Open(options => options.Events = new Dictionary<string, Type>(StringComparer.Ordinal) { [LedgerEvents.Opened] = typeof(Opened) }));

        var read = await older.ReadStreamAsync("job-1", ct: Ct);

        read.Select(one => one.IsKnown).ShouldBe([true, false]);
        read[1].Data.ShouldBeOfType<JsonElement>().GetProperty("number").GetInt32().ShouldBe(3);
        (await older.LoadAsync("job-1", 0, (sum, data) => data is JsonElement json ? sum + json.GetProperty("number").GetInt32() : sum, ct: Ct)).ShouldBe((3, 2L));
    }
}
