using Npgsql;

namespace TrainMover.EventLog;

/// <summary>Where a publication stands. The epoch changes with every reset, so that a late store of an old position is void.</summary>
internal sealed class PublicationStore(LogDatabase database, string name)
{
    public async Task<(long Sequence, long Epoch)> LoadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = MartenEventLog.Command(
            connection,
            $"""
            insert into {database.Schema}.log_publications (name) values ($1)
            on conflict (name) do update set name = excluded.name returning sequence, epoch
            """,
            [name]);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    public async Task StoreAsync(NpgsqlConnection connection, long sequence, long epoch, CancellationToken ct)
    {
        await using var command = MartenEventLog.Command(
            connection, $"update {database.Schema}.log_publications set sequence = $2 where name = $1 and epoch = $3", [name, sequence, epoch]);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Remembers the cluster; goes back to the lowest stored position of all consumers when it is another one than before.</summary>
    public Task<bool> UseClusterAsync(string cluster, CancellationToken ct) => database.RunAsync(
        async connection =>
        {
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await LoadAsync(connection, ct);
            await using var reset = MartenEventLog.Command(
                connection,
                $"""
                update {database.Schema}.log_publications set cluster = $2, epoch = epoch + 1,
                    sequence = least(sequence, (select coalesce(min(sequence), 0) from {database.Schema}.log_positions))
                where name = $1 and cluster <> $2
                """,
                [name, cluster]);
            var changed = await reset.ExecuteNonQueryAsync(ct) == 1;
            await using var remember = MartenEventLog.Command(
                connection, $"update {database.Schema}.log_publications set cluster = $2 where name = $1 and cluster is null", [name, cluster]);
            await remember.ExecuteNonQueryAsync(ct);
            await using var announce = MartenEventLog.Command(connection, "select pg_notify($1, '')", [database.Channel]);
            await announce.ExecuteNonQueryAsync(ct);
            await transaction.CommitAsync(ct);
            return changed;
        }, ct);

    public Task<long> UnpublishedCountAsync(IReadOnlySet<string> types, CancellationToken ct) => database.RunAsync(
        async connection =>
        {
            await using var command = MartenEventLog.Command(
                connection,
                $"""
                select count(*) from {database.Schema}.mt_events where type = any($2)
                and seq_id > coalesce((select sequence from {database.Schema}.log_publications where name = $1), 0)
                """,
                [name, types.ToArray()]);
            return (long)(await command.ExecuteScalarAsync(ct))!;
        }, ct);
}
