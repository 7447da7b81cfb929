using System.Text.Json;
using JasperFx.Events;
using Marten;
using Marten.Services;
using Npgsql;

namespace TrainMover.EventLog;

/// <summary>One append: locks, deduplication, expected versions, hashes, events, position and announcement in a single transaction.</summary>
internal sealed class AppendTransaction(LogDatabase database)
{
    private sealed record Head(long Version, DateTimeOffset RecordedAt, string Hash);

    private static readonly Head NoHead = new(0, DateTimeOffset.MinValue, EventHash.Origin);

    public static string StorePosition(string schema) => $"""
        insert into {schema}.log_positions as kept values ($1, $2, $3)
        on conflict (consumer, topic) do update set sequence = greatest(kept.sequence, excluded.sequence)
        """;

    public async Task<AppendResult> RunAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamAppend> appends, AppendContext context, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var (fresh, heads) = await BeginAsync(connection, appends, context, ct);
        var logged = fresh && appends.Count > 0 ? await SaveAsync(transaction, appends, context, heads, ct) : [];
        await AnnounceAsync(connection, context.Position, logged.Count > 0, ct);
        foreach (var one in logged)
            CrashPoints.Hit(CrashPoints.BeforeCommit, one.Type);
        await transaction.CommitAsync(ct);
        return new AppendResult(logged, AlreadyProcessed: !fresh);
    }

    /// <summary>
    /// The shared lock tells readers behind a gap that an append is under way; the streams' own locks, taken in one order everywhere, make the
    /// heads read here final. A process that stops while it holds them is cut off by the server.
    /// </summary>
    private async Task<(bool Fresh, Dictionary<string, Head> Heads)> BeginAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamAppend> appends, AppendContext context, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        void Add(string sql, params object[] values)
        {
            var command = new NpgsqlBatchCommand(sql);
            foreach (var value in values)
                command.Parameters.Add(new NpgsqlParameter { Value = value });
            batch.BatchCommands.Add(command);
        }

        Add("set local idle_in_transaction_session_timeout = '15s'");
        Add("select pg_advisory_xact_lock_shared($1)", database.LockKey("append"));
        foreach (var stream in appends.Select(append => append.Stream).Order(StringComparer.Ordinal))
            Add("select pg_advisory_xact_lock($1)", database.LockKey($"stream/{stream}"));
        if (context.Processed is { } message)
            Add($"insert into {database.Schema}.log_processed values ($1, $2, $3) on conflict do nothing", message.Consumer, message.Source, message.Id);
        Add($"""
            select head.* from unnest($1) as wanted(stream) cross join lateral (
                select stream_id, version, timestamp, headers->>'{EventRow.HashHeader}' from {database.Schema}.mt_events
                where stream_id = wanted.stream order by version desc limit 1) as head
            """, (object)appends.Select(append => append.Stream).ToArray());

        var heads = new Dictionary<string, Head>(StringComparer.Ordinal);
        await using var reader = await batch.ExecuteReaderAsync(ct);
        do
        {
            while (await reader.ReadAsync(ct))
            {
                if (reader.FieldCount == 4)
                {
                    heads[reader.GetString(0)] = new Head(
                        reader.GetInt64(1), new DateTimeOffset(reader.GetDateTime(2), TimeSpan.Zero), await reader.IsDBNullAsync(3, ct) ? "" : reader.GetString(3));
                }
            }
        }
        while (await reader.NextResultAsync(ct));
        var fresh = context.Processed is null || batch.BatchCommands[^2].RecordsAffected == 1;
        return (fresh, heads);
    }

    private async Task<List<LoggedEvent>> SaveAsync(
        NpgsqlTransaction transaction, IReadOnlyList<StreamAppend> appends, AppendContext context, Dictionary<string, Head> heads, CancellationToken ct)
    {
        await using var session = database.Documents.LightweightSession(SessionOptions.ForTransaction(transaction));
        session.CorrelationId = context.CorrelationId;
        session.CausationId = context.CausationId;
        session.LastModifiedBy = context.Actor;
        var now = EventHash.ToMicroseconds(database.Time.GetUtcNow());
        var written = new List<(string Stream, IEvent Event, JsonElement Json, string Hash)>();
        foreach (var append in appends)
        {
            var head = heads.GetValueOrDefault(append.Stream, NoHead);
            if (append.ExpectedVersion is { } expected && expected != head.Version)
                throw new StreamConflictException(append.Stream, expected, head.Version);
            var events = Seal(session, append, context, head, now, written);
            if (head.Version == 0)
                session.Events.StartStream(append.Stream, events);
            else
                session.Events.Append(append.Stream, head.Version + events.Count, events);
        }

        try
        {
            await session.SaveChangesAsync(ct);
        }
        catch (Exception failure) when (LostRace(failure))
        {
            throw new StreamConflictException(appends[0].Stream, appends[0].ExpectedVersion, null, failure);
        }

        return
        [
            .. written.OrderBy(one => one.Event.Sequence).Select(one => new LoggedEvent(
                one.Event.Id, one.Event.Sequence, one.Stream, one.Event.Version, database.NameOf(one.Event.Data), one.Event.Timestamp,
                context.Actor, context.CorrelationId, context.CausationId, one.Event.Data, one.Json, one.Hash)),
        ];
    }

    private List<IEvent> Seal(
        IDocumentSession session, StreamAppend append, AppendContext context, Head head, DateTimeOffset now,
        List<(string Stream, IEvent Event, JsonElement Json, string Hash)> written)
    {
        var previous = head.Hash;
        var version = head.Version;
        var recordedAt = head.RecordedAt > now ? head.RecordedAt : now;
        var events = new List<IEvent>(append.Events.Count);
        foreach (var data in append.Events)
        {
            var json = JsonSerializer.SerializeToElement(data, data.GetType(), database.Options.Json);
            var one = session.Events.BuildEvent(data);
            one.Id = Guid.CreateVersion7(recordedAt);
            one.Timestamp = recordedAt;
            previous = EventHash.Of(
                previous, json, one.Id, append.Stream, ++version, database.NameOf(data), recordedAt, context.Actor, context.CorrelationId, context.CausationId);
            one.SetHeader(EventRow.ActorHeader, context.Actor);
            one.SetHeader(EventRow.HashHeader, previous);
            events.Add(one);
            written.Add((append.Stream, one, json, previous));
        }

        return events;
    }

    private async Task AnnounceAsync(NpgsqlConnection connection, ConsumerPosition? position, bool appended, CancellationToken ct)
    {
        if (position is not null)
        {
            await using var store = MartenEventLog.Command(
                connection, StorePosition(database.Schema), [position.Consumer, position.Topic, position.Sequence]);
            await store.ExecuteNonQueryAsync(ct);
        }

        if (appended)
        {
            await using var announce = MartenEventLog.Command(connection, "select pg_notify($1, '')", [database.Channel]);
            await announce.ExecuteNonQueryAsync(ct);
        }
    }

    // Behind the locks a race can only be lost to a writer that does not take them; the tables still refuse it.
    private static bool LostRace(Exception? failure) => failure switch
    {
        null => false,
        EventStreamUnexpectedMaxEventIdException or Marten.Exceptions.ExistingStreamIdCollisionException => true,
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } => true,
        _ => LostRace(failure.InnerException),
    };
}
