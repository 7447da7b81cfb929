using Npgsql;

namespace TrainMover.EventLog;

/// <summary>Reads of the verifier, all in one snapshot of the database.</summary>
internal sealed class EventLookup(NpgsqlConnection connection, string schema)
{
    private const int PageSize = 1000;

    public async IAsyncEnumerable<EventRow> AllAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        var position = long.MinValue;
        while (true)
        {
            var page = await QueryAsync("seq_id > $1 order by seq_id limit $2", [position, PageSize], ct);
            foreach (var row in page)
                yield return row;
            if (page.Count < PageSize)
                yield break;
            position = page[^1].Sequence;
        }
    }

    public async Task<EventRow?> ByIdAsync(Guid id, CancellationToken ct) => (await QueryAsync("id = $1 order by seq_id limit 1", [id], ct)).FirstOrDefault();

    public async Task<EventRow?> AtAsync(string stream, long version, CancellationToken ct) =>
        (await QueryAsync("stream_id = $1 and version = $2", [stream, version], ct)).FirstOrDefault();

    public Task<List<EventRow>> StreamAsync(string stream, CancellationToken ct) => QueryAsync("stream_id = $1 order by version", [stream], ct);

    /// <summary>The version each stream is at according to its own row, which outlives deleted events.</summary>
    public async Task<Dictionary<string, long>> StreamVersionsAsync(CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"select id, coalesce(version, 0) from {schema}.mt_streams order by id", connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var versions = new Dictionary<string, long>(StringComparer.Ordinal);
        while (await reader.ReadAsync(ct))
            versions[reader.GetString(0)] = reader.GetInt64(1);
        return versions;
    }

    public async Task<(long Count, DateTimeOffset? Oldest)> BeyondAsync(long sequence, CancellationToken ct)
    {
        await using var command = MartenEventLog.Command(
            connection, $"select count(*), min(timestamp) from {schema}.mt_events where seq_id > $1", [sequence]);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetInt64(0), await reader.IsDBNullAsync(1, ct) ? null : new DateTimeOffset(reader.GetDateTime(1), TimeSpan.Zero));
    }

    private async Task<List<EventRow>> QueryAsync(string condition, IReadOnlyList<object> values, CancellationToken ct)
    {
        await using var command = MartenEventLog.Command(connection, $"select {EventRow.Columns} from {schema}.mt_events where {condition}", values);
        return await EventRow.ReadAsync(command, ct);
    }
}
