using System.Text.Json;
using Npgsql;

namespace TrainMover.EventLog;

/// <summary>A row of <c>mt_events</c>, whatever its type is: reads never depend on which types this build knows.</summary>
internal sealed record EventRow(
    long Sequence, Guid Id, string Stream, long Version, string Body, string Type, DateTimeOffset RecordedAt,
    string? CorrelationId, string? CausationId, string? Actor, string? Hash)
{
    public const string ActorHeader = "actor";
    public const string HashHeader = "hash";

    public const string Columns =
        $"seq_id, id, stream_id, version, data::text, type, timestamp, correlation_id, causation_id, headers->>'{ActorHeader}', headers->>'{HashHeader}'";

    public static async Task<List<EventRow>> ReadAsync(NpgsqlCommand command, CancellationToken ct)
    {
        var rows = new List<EventRow>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            rows.Add(new EventRow(
                reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2), reader.GetInt64(3), reader.GetString(4), reader.GetString(5),
                new DateTimeOffset(reader.GetDateTime(6), TimeSpan.Zero), Text(reader, 7), Text(reader, 8), Text(reader, 9), Text(reader, 10)));
        }

        return rows;
    }

    public LoggedEvent ToLogged(EventLogOptions options)
    {
        using var document = JsonDocument.Parse(Body);
        var json = document.RootElement.Clone();
        object data = json;
        if (options.Events.TryGetValue(Type, out var type))
        {
            try
            {
                data = json.Deserialize(type, options.Json) ?? throw new JsonException("the body is null");
            }
            catch (Exception failure) when (failure is JsonException or NotSupportedException or ArgumentException)
            {
                throw new EventUnreadableException(Stream, Version, Type, failure);
            }
        }

        return new LoggedEvent(Id, Sequence, Stream, Version, Type, RecordedAt, Actor ?? "", CorrelationId, CausationId, data, json, Hash);
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
