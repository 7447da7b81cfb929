using Microsoft.Extensions.Logging.Abstractions;
using TrainMover.Fixtures;

namespace TrainMover.EventLog.Tests;

public sealed class IntegrityTests(PostgresFixture postgres) : LogTest(postgres)
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"anchors-{Guid.NewGuid():N}.jsonl");
    private LogDatabase _anchored = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _anchored = Open(options => options.Anchor(_file));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        File.Delete(_file);
    }

    // Sequences: a1=1 a2=2 b1=3 | a3=4 (rolled back: 5) b2=6 b3=7 a4=8; anchors over 1-3 and 4-8.
    private async Task WriteAsync(bool anchor)
    {
        await AppendAsync("job-a", 0, LedgerEvents.Open("a"), new Noted("same", 2));
        await AppendAsync("job-b", 0, LedgerEvents.Open("b"));
        if (anchor)
            await AnchorAsync();
        await AppendAsync("job-a", 2, new Noted("other", 3));
        await TamperAsync("begin; select nextval('mt_events_sequence'); rollback");
        await AppendAsync("job-b", 1, new Noted("n", 2), new Noted("n", 3));
        await AppendAsync("job-a", 3, new Closed(DateTimeOffset.UnixEpoch));
        if (anchor)
            await AnchorAsync();
    }

    private async Task AnchorAsync() => (await new AnchorWriter(_anchored, NullLogger<AnchorWriter>.Instance).AnchorAsync(Ct)).ShouldBeTrue();

    private Task<IntegrityReport> VerifyAsync(LogDatabase? database = null) => new IntegrityVerifier(database ?? _anchored).VerifyAsync(Ct);

    private async Task<Finding> FindingAsync(LogDatabase? database = null) => (await VerifyAsync(database)).First.ShouldNotBeNull();

    private async Task ExpectAsync(FindingKind kind, string stream, long version)
    {
        var finding = await FindingAsync();
        (finding.Kind, finding.Stream, finding.Version).ShouldBe((kind, stream, version), finding.Explanation);
        finding.Explanation.ShouldContain($"Event {version} of stream '{stream}'");
    }

    [Fact]
    public async Task An_untouched_log_is_intact_and_rolled_back_appends_are_no_finding()
    {
        await WriteAsync(anchor: true);
        await AppendAsync("job-c", 0, LedgerEvents.Open("c"));

        var report = await VerifyAsync();

        report.First.ShouldBeNull();
        (report.EventsChecked, report.Anchored, report.UnanchoredTail.Count, report.OutsideFileChecked).ShouldBe((8L, 7L, 1L, true));
        report.UnanchoredTail.Age.ShouldBeGreaterThan(TimeSpan.Zero);
        (await File.ReadAllLinesAsync(_file, Ct)).Length.ShouldBe(2);
    }

    [Fact]
    public async Task Events_written_with_the_options_of_the_catalogue_are_intact()
    {
        var database = Open(options => (options.Json, options.Anchors) = (Contracts.Catalog.Json, null));
        await new MartenEventLog(database).AppendAsync([new StreamAppend("job-1", 0, [LedgerEvents.Open(), new Closed(DateTimeOffset.UnixEpoch)])], Tester, Ct);

        var report = await VerifyAsync(database);

        (report.EventsChecked, report.First).ShouldBe((2L, null));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_edited_body_is_found(bool anchored)
    {
        await WriteAsync(anchored);
        await TamperAsync("update mt_events set data = jsonb_set(data, '{number}', '99') where seq_id = 4");
        await ExpectAsync(FindingKind.Altered, "job-a", 3);
    }

    [Theory]
    [InlineData("timestamp = timestamp + interval '1 microsecond'", true)]
    [InlineData("type = 'trainmover.test.closed.v1'", true)]
    [InlineData("correlation_id = 'story-2'", false)]
    [InlineData("causation_id = null", true)]
    [InlineData("headers = jsonb_set(headers, '{actor}', '\"nobody\"')", false)]
    [InlineData("headers = jsonb_set(headers, '{hash}', '\"00\"')", true)]
    [InlineData("id = '00000000-0000-0000-0000-000000000001'", true)]
    [InlineData("id = '00000000-0000-0000-0000-000000000001'", false)]
    public async Task Edited_metadata_is_found(string edit, bool anchored)
    {
        await WriteAsync(anchored);
        await TamperAsync($"update mt_events set {edit} where seq_id = 2");
        await ExpectAsync(FindingKind.Altered, "job-a", 2);
    }

    private static string Copy(int sequence, int version) => $"""
        insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp, headers, correlation_id, causation_id)
        select {sequence}, gen_random_uuid(), stream_id, {version}, data, type, timestamp, headers, correlation_id, causation_id from mt_events where seq_id = 4
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_event_inserted_in_a_gap_of_the_sequence_is_found(bool anchored)
    {
        await WriteAsync(anchored);
        await TamperAsync($"update mt_events set version = 5 where seq_id = 8; {Copy(5, 4)}");
        await ExpectAsync(FindingKind.Inserted, "job-a", 4);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_event_inserted_between_others_is_found_at_the_end_of_the_sequence(bool anchored)
    {
        await WriteAsync(anchored);
        await TamperAsync($"update mt_events set version = 5 where seq_id = 8; {Copy(100, 4)}");
        await ExpectAsync(FindingKind.Inserted, "job-a", 4);
    }

    [Fact]
    public async Task An_event_appended_past_the_log_is_found()
    {
        await WriteAsync(anchor: true);
        await TamperAsync("""
            insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp)
            select 100, gen_random_uuid(), stream_id, 5, data, type, timestamp from mt_events where seq_id = 8
            """);
        await ExpectAsync(FindingKind.Inserted, "job-a", 5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_events_that_exchanged_their_versions_are_found(bool anchored)
    {
        await WriteAsync(anchored);
        await TamperAsync("""
            update mt_events set version = -1 where seq_id = 2; update mt_events set version = 2 where seq_id = 4;
            update mt_events set version = 3 where seq_id = 2
            """);
        var finding = await FindingAsync();
        (finding.Kind, finding.Stream, finding.Sequence).ShouldBe((FindingKind.Swapped, "job-a", 2L), finding.Explanation);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_events_that_exchanged_their_bodies_are_found(bool anchored)
    {
        await WriteAsync(anchored);
        await TamperAsync("""
            update mt_events as one set data = other.data from mt_events as other
            where (one.seq_id, other.seq_id) in ((2, 4), (4, 2))
            """);
        await ExpectAsync(FindingKind.Swapped, "job-a", 2);
    }

    [Fact]
    public async Task Two_events_of_different_streams_that_exchanged_their_places_in_the_log_are_found()
    {
        await WriteAsync(anchor: true);
        await TamperAsync("""
            update mt_events set seq_id = -1 where seq_id = 2; update mt_events set seq_id = 2 where seq_id = 3; update mt_events set seq_id = 3 where seq_id = -1
            """);
        await ExpectAsync(FindingKind.Swapped, "job-a", 2);
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(false, "")]
    [InlineData(true, "; update mt_streams set version = 3 where id = 'job-a'")]
    public async Task A_deleted_last_event_of_a_stream_is_found(bool anchored, string cover)
    {
        await WriteAsync(anchored);
        await TamperAsync($"delete from mt_events where seq_id = 8{cover}");
        await ExpectAsync(FindingKind.Missing, "job-a", 4);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_deleted_event_in_the_middle_is_found(bool anchored)
    {
        await WriteAsync(anchored);
        await TamperAsync("delete from mt_events where seq_id = 4");
        await ExpectAsync(FindingKind.Missing, "job-a", 3);
    }

    [Fact]
    public async Task A_deleted_stream_is_found()
    {
        await WriteAsync(anchor: true);
        await TamperAsync("delete from mt_streams where id = 'job-b'");
        await ExpectAsync(FindingKind.Missing, "job-b", 1);
        (await FindingAsync()).Explanation.ShouldEndWith("with the whole stream.");
    }

    [Fact]
    public async Task A_log_hashed_again_by_hand_with_all_its_anchors_is_found_by_the_file_outside()
    {
        await WriteAsync(anchor: true);
        await ForgeAsync();

        (await VerifyAsync(Open(options => options.Anchor(null)))).Intact.ShouldBeTrue("the forgery is complete inside the database");
        await ExpectAsync(FindingKind.Altered, "job-b", 2);
        (await FindingAsync()).Explanation.ShouldContain("hashed again");
    }

    /// <summary>Edits sequence 6 and rewrites every hash and anchor, as one would who has this very code and the database.</summary>
    private async Task ForgeAsync()
    {
        await TamperAsync("update mt_events set data = jsonb_set(data, '{number}', '77') where seq_id = 6");
        await using var connection = new Npgsql.NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(Ct);
        var chains = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in await new EventLookup(connection, Schema).AllAsync(Ct).ToListAsync(Ct))
        {
            var hash = EventHash.Of(chains.GetValueOrDefault(row.Stream, EventHash.Origin), row);
            chains[row.Stream] = hash;
            await TamperAsync($"update mt_events set headers = jsonb_set(headers, '{{hash}}', '\"{hash}\"') where seq_id = {row.Sequence}");
        }

        await TamperAsync("delete from log_anchors");
        (await new AnchorWriter(Open(options => options.Anchor(null)), NullLogger<AnchorWriter>.Instance).AnchorAsync(Ct)).ShouldBeTrue();
        var forged = (await new AnchorStore(Database).AllAsync(connection, Ct)).Single().Anchor;
        var lines = (await AnchorFile.ReadAsync(_file, Ct)).OfType<Anchor>().ToList();
        await TamperAsync("delete from log_anchors");
        Anchor? previous = null;
        foreach (var line in lines)
        {
            previous = Anchor.Over(previous, [.. forged.Leaves.Where(leaf => leaf.Sequence >= line.From && leaf.Sequence <= line.To)], line.WrittenAt);
            await new AnchorStore(Database).InsertAsync(connection, previous, Ct);
            await new AnchorStore(Database).MarkOutsideAsync(connection, previous.Number, Ct);
        }
    }
}
