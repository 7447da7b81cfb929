using Microsoft.Extensions.Time.Testing;
using TrainMover.Fixtures;

namespace TrainMover.EventLog.Tests;

public sealed class TimeTravelTests(PostgresFixture postgres) : LogTest(postgres)
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_stream_is_loaded_as_it_was_at_a_version_and_at_an_instant()
    {
        var clock = new FakeTimeProvider(Noon);
        var log = new MartenEventLog(Open(time: clock));
        for (var number = 1; number <= 4; number++)
        {
            await log.AppendAsync([new StreamAppend("job-1", number - 1, [new Noted("n", number)])], Tester, Ct);
            clock.Advance(TimeSpan.FromMinutes(1));
        }

        Task<(int State, long Version)> Sum(long? toVersion = null, DateTimeOffset? to = null) =>
            log.LoadAsync("job-1", 0, (sum, data) => sum + ((Noted)data).Number, toVersion, to, Ct);

        (await Sum()).ShouldBe((10, 4L));
        (await Sum(toVersion: 2)).ShouldBe((3, 2L));
        (await Sum(to: Noon.AddMinutes(2))).ShouldBe((6, 3L));
        (await Sum(to: Noon.AddMinutes(2).AddMicroseconds(-1))).ShouldBe((3, 2L));
        (await Sum(toVersion: 1, to: Noon.AddHours(1))).ShouldBe((1, 1L));
        (await Sum(to: Noon.AddSeconds(-1))).ShouldBe((0, 0L));
    }

    [Fact]
    public async Task Recorded_time_never_runs_backwards_within_a_stream()
    {
        await new MartenEventLog(Open(time: new FakeTimeProvider(Noon))).AppendAsync([new StreamAppend("job-1", 0, [new Noted("n", 1)])], Tester, Ct);
        var late = await new MartenEventLog(Open(time: new FakeTimeProvider(Noon.AddHours(-1)))).AppendAsync([new StreamAppend("job-1", 1, [new Noted("n", 2)])], Tester, Ct);

        late.Events.Single().RecordedAt.ShouldBe(Noon);
    }

    [Fact]
    public async Task The_whole_log_is_read_in_order_of_sequence_over_several_pages()
    {
        for (var number = 0; number < 3; number++)
            await AppendAsync($"job-{number}", 0, [.. Enumerable.Range(0, 400).Select(index => index % 2 == 0 ? (object)new Noted("n", index) : new Closed(Noon))]);

        var all = await Log.ReadAllAsync(ct: Ct).ToListAsync(Ct);
        var notes = await Log.ReadAllAsync(600, new HashSet<string>(StringComparer.Ordinal) { LedgerEvents.Noted }, Ct).ToListAsync(Ct);

        all.Select(one => one.Sequence).ShouldBe(Enumerable.Range(1, 1200).Select(sequence => (long)sequence));
        notes.Select(one => one.Sequence).ShouldBe(Enumerable.Range(301, 300).Select(half => (long)half * 2 - 1));
    }

    [Fact]
    public async Task Streams_are_listed_by_prefix_in_ordinal_order()
    {
        foreach (var stream in new[] { "migration-b", "migration-A", "migration_c", "job-1" })
            await AppendAsync(stream, 0, LedgerEvents.Open());

        (await Log.StreamsAsync("migration-", Ct)).ShouldBe(["migration-A", "migration-b"]);
    }
}
