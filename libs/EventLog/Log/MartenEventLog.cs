using System.Runtime.CompilerServices;
using Npgsql;

namespace TrainMover.EventLog;

/// <summary>The event log on Marten and PostgreSQL.</summary>
/// <param name="database">The database of the log.</param>
public sealed class MartenEventLog(LogDatabase database) : IEventLog
{
    private const int PageSize = 500;
    private readonly AppendTransaction _append = new(database);

    /// <inheritdoc />
    public async Task<AppendResult> AppendAsync(IReadOnlyList<StreamAppend> appends, AppendContext context, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(appends);
        ArgumentNullException.ThrowIfNull(context);
        foreach (var append in appends)
        {
            if (append.Stream.Length == 0 || append.Events.Count == 0)
                throw new ArgumentException($"An append to '{append.Stream}' needs a stream key and at least one event.", nameof(appends));
            foreach (var data in append.Events)
                _ = database.NameOf(data);
        }

        if (appends.DistinctBy(append => append.Stream).Count() != appends.Count)
            throw new ArgumentException("A stream may be named only once in an append.", nameof(appends));

        var result = await database.RunAsync(connection => _append.RunAsync(connection, appends, context, ct), ct);
        foreach (var logged in result.Events)
            CrashPoints.Hit(CrashPoints.AfterCommit, logged.Type);
        return result;
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<LoggedEvent>> ReadStreamAsync(string stream, long? toVersion = null, DateTimeOffset? to = null, CancellationToken ct = default)
    {
        var sql = $"select {EventRow.Columns} from {database.Schema}.mt_events where stream_id = $1 and version <= $2 and timestamp <= $3 order by version";
        var rows = await QueryAsync(
            sql, [stream, toVersion ?? long.MaxValue, to?.UtcDateTime ?? DateTime.MaxValue.ToUniversalTime()], ct);
        return [.. rows.Select(row => row.ToLogged(database.Options))];
    }

    /// <inheritdoc />
    public async Task<(TState State, long Version)> LoadAsync<TState>(
        string stream, TState initial, Func<TState, object, TState> evolve, long? toVersion = null, DateTimeOffset? to = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(evolve);
        var events = await ReadStreamAsync(stream, toVersion, to, ct);
        return (events.Aggregate(initial, (state, logged) => evolve(state, logged.Data)), events.Count == 0 ? 0 : events[^1].Version);
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<LoggedEvent> ReadAllAsync(
        long fromSequence = 0, IReadOnlySet<string>? types = null, [EnumeratorCancellation] CancellationToken ct = default)
    {
        var filter = types is null ? "" : "and type = any($3)";
        var sql = $"select {EventRow.Columns} from {database.Schema}.mt_events where seq_id > $1 {filter} order by seq_id limit $2";
        var position = fromSequence;
        while (true)
        {
            var rows = await QueryAsync(sql, types is null ? [position, PageSize] : [position, PageSize, types.ToArray()], ct);
            foreach (var row in rows)
                yield return row.ToLogged(database.Options);
            if (rows.Count < PageSize)
                yield break;
            position = rows[^1].Sequence;
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<string>> StreamsAsync(string prefix, CancellationToken ct = default) => database.RunAsync<IReadOnlyList<string>>(
        async connection =>
        {
            await using var command = Command(
                connection, $"select id from {database.Schema}.mt_streams where starts_with(id, $1) order by id collate \"C\"", [prefix]);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var streams = new List<string>();
            while (await reader.ReadAsync(ct))
                streams.Add(reader.GetString(0));
            return streams;
        }, ct);

    /// <inheritdoc />
    public Task<bool> IsProcessedAsync(ProcessedMessage message, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        return ScalarAsync<bool>(
            $"select exists (select from {database.Schema}.log_processed where consumer = $1 and source = $2 and id = $3)",
            [message.Consumer, message.Source, message.Id], ct);
    }

    /// <inheritdoc />
    public Task StorePositionAsync(ConsumerPosition position, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(position);
        return database.RunAsync(
            async connection =>
            {
                await using var command = Command(
                    connection, AppendTransaction.StorePosition(database.Schema), [position.Consumer, position.Topic, position.Sequence]);
                return await command.ExecuteNonQueryAsync(ct);
            }, ct);
    }

    /// <inheritdoc />
    public Task<long> LowestPositionAsync(string? topic = null, CancellationToken ct = default) => ScalarAsync<long>(
        $"select coalesce(min(sequence), 0) from {database.Schema}.log_positions where $1 = '' or topic = $1", [topic ?? ""], ct);

    internal static NpgsqlCommand Command(NpgsqlConnection connection, string sql, IReadOnlyList<object> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }

    private Task<List<EventRow>> QueryAsync(string sql, IReadOnlyList<object> values, CancellationToken ct) => database.RunAsync(
        async connection =>
        {
            await using var command = Command(connection, sql, values);
            return await EventRow.ReadAsync(command, ct);
        }, ct);

    private Task<T> ScalarAsync<T>(string sql, IReadOnlyList<object> values, CancellationToken ct) => database.RunAsync(
        async connection =>
        {
            await using var command = Command(connection, sql, values);
            return (T)(await command.ExecuteScalarAsync(ct))!;
        }, ct);
}
