using System.Text.Json;
using Npgsql;

namespace TrainMover.EventLog;

/// <summary>The anchors in the database. <c>outside</c> turns true once the file holds the anchor too: a line missing after that was removed.</summary>
internal sealed class AnchorStore(LogDatabase database)
{
    private const string Columns = "number, from_sequence, to_sequence, count, leaves, root, previous, written_at, hash, outside";

    public async Task<(Anchor Anchor, bool Outside)?> LastAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var rows = await QueryAsync(connection, "order by number desc limit 1", ct);
        return rows.Count == 0 ? null : rows[0];
    }

    public Task<List<(Anchor Anchor, bool Outside)>> AllAsync(NpgsqlConnection connection, CancellationToken ct) => QueryAsync(connection, "order by number", ct);

    public async Task InsertAsync(NpgsqlConnection connection, Anchor anchor, CancellationToken ct)
    {
        await using var command = MartenEventLog.Command(
            connection,
            $"insert into {database.Schema}.log_anchors ({Columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, false)",
            [
                anchor.Number, anchor.From, anchor.To, anchor.Count, JsonSerializer.Serialize(anchor.Leaves, Anchor.Json), anchor.Root, anchor.Previous,
                anchor.WrittenAt.UtcDateTime, anchor.Hash,
            ]);
        await command.ExecuteNonQueryAsync(ct);
    }

    public async Task MarkOutsideAsync(NpgsqlConnection connection, long number, CancellationToken ct)
    {
        await using var command = MartenEventLog.Command(connection, $"update {database.Schema}.log_anchors set outside = true where number = $1", [number]);
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<List<(Anchor Anchor, bool Outside)>> QueryAsync(NpgsqlConnection connection, string tail, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"select {Columns} from {database.Schema}.log_anchors {tail}", connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new List<(Anchor, bool)>();
        while (await reader.ReadAsync(ct))
        {
            var anchor = new Anchor(
                reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt32(3), Leaves(reader.GetString(4)), reader.GetString(5),
                reader.GetString(6), new DateTimeOffset(reader.GetDateTime(7), TimeSpan.Zero), reader.GetString(8));
            rows.Add((anchor, reader.GetBoolean(9)));
        }

        return rows;
    }

    // Leaves that no longer read are no leaves: the anchor's root then shows it.
    private static List<AnchorLeaf> Leaves(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<List<AnchorLeaf>>(text, Anchor.Json)?.Where(leaf => leaf is not null).ToList() ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
