using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace TrainMover.EventLog;

/// <summary>The chain of a stream: each event's SHA-256 covers the hash before it, its body and all its metadata but the sequence, which anchors cover.</summary>
internal static class EventHash
{
    /// <summary>What stands before the first event of a stream.</summary>
    public const string Origin = "";

    public static string Of(
        string previous, JsonElement body, Guid id, string stream, long version, string type, DateTimeOffset recordedAt,
        string? actor, string? correlationId, string? causationId)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Field(hash, previous);
        Field(hash, CanonicalJson.Of(body));
        Field(hash, id.ToString("D"));
        Field(hash, stream);
        Field(hash, version.ToString());
        Field(hash, type);
        Field(hash, recordedAt.UtcTicks.ToString());
        Field(hash, actor);
        Field(hash, correlationId);
        Field(hash, causationId);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public static string Of(string previous, EventRow row) => Of(previous, row, row.Body, row.Version);

    public static string Of(string previous, EventRow row, string body, long version)
    {
        using var document = JsonDocument.Parse(body);
        return Of(
            previous, document.RootElement, row.Id, row.Stream, version, row.Type, row.RecordedAt, row.Actor, row.CorrelationId, row.CausationId);
    }

    /// <summary>PostgreSQL keeps microseconds; what is hashed must survive it.</summary>
    public static DateTimeOffset ToMicroseconds(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    // Each field is preceded by its length, so that no two field lists give the same bytes; -1 tells absent from empty.
    private static void Field(IncrementalHash hash, string? text) => Field(hash, text is null ? null : Encoding.UTF8.GetBytes(text));

    private static void Field(IncrementalHash hash, byte[]? bytes)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes?.Length ?? -1);
        hash.AppendData(length);
        hash.AppendData(bytes ?? []);
    }
}
