using Npgsql;
using TrainMover.Fixtures;

namespace TrainMover.EventLog.Tests;

public sealed class PublishTests(PostgresFixture postgres) : LogTest(postgres)
{
    private readonly RecordingPublisher _topic = new();

    [Fact]
    public async Task Events_of_the_service_are_published_in_order_of_sequence_and_others_are_not()
    {
        var publisher = Publisher(_topic, null, LedgerEvents.Opened, LedgerEvents.Closed);
        await AppendAsync("job-1", 0, LedgerEvents.Open(), new Noted("foreign", 1), new Closed(DateTimeOffset.UnixEpoch));
        (await publisher.UnpublishedCountAsync(Ct)).ShouldBe(2);

        await using (Run(publisher))
        {
            await _topic.UntilPublishedAsync(2);
            await AppendAsync("job-2", 0, LedgerEvents.Open());
            await _topic.UntilPublishedAsync(3);
        }

        _topic.Sequences.ShouldBe([1L, 3L, 4L]);
        (await publisher.UnpublishedCountAsync(Ct)).ShouldBe(0);
    }

    [Fact]
    public async Task A_failing_broker_is_tried_again_at_the_same_event_and_nothing_is_lost()
    {
        _topic.Fails = logged => logged.Sequence == 2 && _topic.Attempts < 5 ? new IOException("broker away") : null;
        await AppendAsync("job-1", 0, LedgerEvents.Open(), new Noted("n", 1), new Noted("n", 2));

        await using (Run(Publisher(_topic)))
            await _topic.UntilPublishedAsync(3);

        _topic.Sequences.ShouldBe([1L, 2L, 3L]);
        _topic.Attempts.ShouldBe(6);
    }

    [Fact]
    public async Task A_restarted_publisher_goes_on_where_the_last_one_stopped()
    {
        _topic.Fails = logged => logged.Sequence == 3 ? new IOException("broker away") : null;
        await AppendAsync("job-1", 0, LedgerEvents.Open(), new Noted("n", 1), new Noted("n", 2), new Noted("n", 3));
        await using (Run(Publisher(_topic)))
            await _topic.UntilAttemptedAsync(3);

        _topic.Fails = _ => null;
        await using (Run(Publisher(_topic)))
            await _topic.UntilPublishedAsync(4);

        _topic.Sequences.ShouldBe([1L, 2L, 3L, 4L]);
    }

    [Fact]
    public async Task Fresh_events_published_directly_are_not_published_again()
    {
        var publisher = Publisher(_topic);
        await using (Run(publisher))
        {
            await AppendAsync("warm-up", 0, LedgerEvents.Open());
            await _topic.UntilPublishedAsync(1);
            for (var version = 0; version < 20; version++)
                (await publisher.DirectPublishAsync(await AppendAsync("job-1", version, new Noted("n", version)), Ct)).ShouldBeTrue();
            await AppendAsync("end", 0, LedgerEvents.Open());
            await _topic.UntilPublishedAsync(22);
        }

        _topic.Sequences.ShouldBe(Enumerable.Range(1, 22).Select(sequence => (long)sequence));
        (await publisher.UnpublishedCountAsync(Ct)).ShouldBe(0);
    }

    [Fact]
    public async Task Nothing_is_published_directly_before_its_predecessor_or_without_leading()
    {
        var publisher = Publisher(_topic);
        await AppendAsync("job-1", 0, LedgerEvents.Open());
        (await publisher.DirectPublishAsync(await AppendAsync("job-1", 1, new Noted("n", 1)), Ct)).ShouldBeFalse();

        _topic.Fails = logged => logged.Version == 1 ? new IOException("broker away") : null;
        await using (Run(publisher))
        {
            await _topic.UntilAttemptedAsync(1);
            (await publisher.DirectPublishAsync(await AppendAsync("job-1", 2, new Noted("n", 2)), Ct)).ShouldBeFalse();
            _topic.Fails = _ => null;
            await _topic.UntilPublishedAsync(3);
        }

        _topic.Sequences.ShouldBe([1L, 2L, 3L]);
    }

    [Fact]
    public async Task An_open_append_holds_back_what_comes_behind_it_and_nothing_is_skipped()
    {
        await AppendAsync("job-1", 0, LedgerEvents.Open());
        await using var other = new NpgsqlConnection(ConnectionString);
        await other.OpenAsync(Ct);
        await using var open = await other.BeginTransactionAsync(Ct);
        await using (var take = new NpgsqlCommand($"select pg_advisory_xact_lock_shared({Database.LockKey("append")}), nextval('{Schema}.mt_events_sequence')", other))
            await take.ExecuteNonQueryAsync(Ct);
        await AppendAsync("job-2", 0, LedgerEvents.Open());

        await using (var connection = new NpgsqlConnection(ConnectionString))
        {
            await connection.OpenAsync(Ct);
            var tail = new LogTail(Database);
            var (rows, stalled) = await tail.ReadAsync(connection, 0, 10, Ct);
            (string.Join(',', rows.Select(row => row.Sequence)), stalled).ShouldBe(("1", true));
            await open.RollbackAsync(Ct);
            (rows, stalled) = await tail.ReadAsync(connection, 0, 10, Ct);
            (string.Join(',', rows.Select(row => row.Sequence)), stalled).ShouldBe(("1,3", false));
        }
    }

    [Fact]
    public async Task Rolled_back_appends_do_not_stop_publishing()
    {
        await using (Run(Publisher(_topic)))
        {
            for (var round = 0; round < 10; round++)
            {
                await AppendAsync($"job-{round}", 0, LedgerEvents.Open());
                await TamperAsync("begin; select nextval('mt_events_sequence'); rollback");
            }

            await AppendAsync("end", 0, LedgerEvents.Open());
            await _topic.UntilPublishedAsync(11);
        }

        _topic.Sequences.ShouldBe(Enumerable.Range(0, 11).Select(round => (2L * round) + 1));
    }

    [Fact]
    public async Task Another_cluster_gets_everything_beyond_the_lowest_position_of_all_consumers()
    {
        var publisher = Publisher(_topic);
        (await publisher.UseClusterAsync("first", Ct)).ShouldBeFalse();
        await AppendAsync("job-1", 0, LedgerEvents.Open(), new Noted("n", 1), new Noted("n", 2), new Noted("n", 3));
        await Log.StorePositionAsync(new("planner", "migrations", 3), Ct);
        await Log.StorePositionAsync(new("executor", "migrations", 2), Ct);

        await using (Run(publisher))
            await _topic.UntilPublishedAsync(4);
        var restarted = Publisher(_topic);
        (await restarted.UseClusterAsync("first", Ct)).ShouldBeFalse();
        (await restarted.UseClusterAsync("second", Ct)).ShouldBeTrue();
        await using (Run(restarted))
            await _topic.UntilPublishedAsync(6);

        _topic.Sequences.ShouldBe([1L, 2L, 3L, 4L, 3L, 4L]);
    }

    [Fact]
    public async Task A_reset_reaches_a_publisher_that_is_stuck_on_the_old_cluster()
    {
        var publisher = Publisher(_topic);
        await publisher.UseClusterAsync("first", Ct);
        _topic.Fails = logged => logged.Sequence == 2 ? new IOException("broker away") : null;
        await AppendAsync("job-1", 0, LedgerEvents.Open(), new Noted("n", 1));

        await using (Run(publisher))
        {
            await _topic.UntilAttemptedAsync(3);
            (await publisher.UseClusterAsync("second", Ct)).ShouldBeTrue();
            _topic.Fails = _ => null;
            await _topic.UntilPublishedAsync(3);
        }

        _topic.Sequences.ShouldBe([1L, 1L, 2L]);
    }

    [Fact]
    public async Task One_of_two_publishers_leads_and_the_other_takes_over()
    {
        var (first, second) = (Publisher(_topic), Publisher(_topic));
        var leading = Run(first);
        await AppendAsync("job-1", 0, LedgerEvents.Open());
        await _topic.UntilPublishedAsync(1);
        await using (Run(second))
        {
            (first.IsLeader, second.IsLeader).ShouldBe((true, false));
            await leading.DisposeAsync();
            await AppendAsync("job-1", 1, new Noted("n", 1));
            await _topic.UntilPublishedAsync(2);
            second.IsLeader.ShouldBeTrue();
        }

        _topic.Sequences.ShouldBe([1L, 2L]);
    }

    [Fact]
    public async Task A_broken_connection_to_the_database_is_replaced_and_publishing_goes_on()
    {
        await using (Run(Publisher(_topic)))
        {
            await AppendAsync("job-1", 0, LedgerEvents.Open());
            await _topic.UntilPublishedAsync(1);
            await TamperAsync($"select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid() and database = (select oid from pg_database where datname = current_database()) and ((classid::bigint << 32) | objid::bigint) = {Database.LockKey("leader/publication/tests")}");
            await AppendAsync("job-1", 1, new Noted("n", 1));
            await _topic.UntilPublishedAsync(2);
        }

        _topic.Sequences.ShouldBe([1L, 2L]);
    }
}
