using Npgsql;

namespace TrainMover.EventLog;

/// <summary>
/// Reads the log in order of sequence without ever running ahead of an append that is still under way. Sequence numbers are given before the commit, so a
/// gap is either an open append or a rolled-back one. Appends hold a shared advisory lock: whoever gets it exclusively knows that every number given
/// out before is settled, at once and without a threshold of time.
/// </summary>
internal sealed class LogTail(LogDatabase database)
{
    /// <summary>Events behind <paramref name="position"/>, and whether an open append ended the batch early.</summary>
    public async Task<(List<EventRow> Rows, bool Stalled)> ReadAsync(NpgsqlConnection connection, long position, int limit, CancellationToken ct)
    {
        var rows = await QueryAsync(connection, position, long.MaxValue, limit, ct);
        var gap = FirstGap(rows, position);
        if (gap == rows.Count)
            return (rows, false);
        return await SettleAsync(connection, ct)
            ? (await QueryAsync(connection, position, rows[^1].Sequence, limit, ct), false)
            : (rows[..gap], true);
    }

    private static int FirstGap(List<EventRow> rows, long position)
    {
        var index = 0;
        while (index < rows.Count && rows[index].Sequence == position + index + 1)
            index++;
        return index;
    }

    private async Task<List<EventRow>> QueryAsync(NpgsqlConnection connection, long after, long upTo, int limit, CancellationToken ct)
    {
        await using var command = MartenEventLog.Command(
            connection,
            $"select {EventRow.Columns} from {database.Schema}.mt_events where seq_id > $1 and seq_id <= $2 order by seq_id limit $3",
            [after, upTo, limit]);
        return await EventRow.ReadAsync(command, ct);
    }

    private async Task<bool> SettleAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var batch = new NpgsqlBatch(connection, transaction)
        {
            BatchCommands =
            {
                // Appends queue behind a waiting exclusive lock, so it must not wait for long.
                new NpgsqlBatchCommand("set local lock_timeout = '250ms'"),
                new NpgsqlBatchCommand("select pg_advisory_xact_lock($1)") { Parameters = { new NpgsqlParameter { Value = database.LockKey("append") } } },
            },
        };
        try
        {
            await batch.ExecuteNonQueryAsync(ct);
            await transaction.CommitAsync(ct);
            return true;
        }
        catch (PostgresException busy) when (busy.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            await transaction.RollbackAsync(ct);
            return false;
        }
    }
}
