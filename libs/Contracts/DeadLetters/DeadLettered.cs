using System.Text.Json.Serialization;

namespace TrainMover.Contracts.DeadLetters;

/// <summary>Why a message could not be read, or not be handled.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DeadLetterReason>))]
public enum DeadLetterReason
{
    /// <summary>The body is not JSON.</summary>
    [JsonStringEnumMemberName("not-json")] NotJson,

    /// <summary>The body is JSON that ends too early.</summary>
    [JsonStringEnumMemberName("truncated")] Truncated,

    /// <summary>JSON, but not a CloudEvent in structured mode: an attribute is missing or malformed.</summary>
    [JsonStringEnumMemberName("not-a-cloudevent")] NotACloudEvent,

    /// <summary>This build knows no version of the type.</summary>
    [JsonStringEnumMemberName("unknown-type")] UnknownType,

    /// <summary>This build knows the type, but not this version of it.</summary>
    [JsonStringEnumMemberName("unsupported-version")] UnsupportedVersion,

    /// <summary>The body does not have the shape that its type demands.</summary>
    [JsonStringEnumMemberName("schema-violation")] SchemaViolation,

    /// <summary>The message is larger than the limit of the deployment.</summary>
    [JsonStringEnumMemberName("too-large")] TooLarge,

    /// <summary>It could be read, but handling it failed in the same way each time.</summary>
    [JsonStringEnumMemberName("poison")] Poison,
}

/// <summary>A consumer put a message aside and went on; nothing else followed from that message.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Detail">What exactly was wrong, in one plain sentence.</param>
/// <param name="Topic">Topic on which the message came, with prefix.</param>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="FirstBytes">Base64 of its first bytes, at most 1024; empty for an empty body.</param>
/// <param name="Key">Its key, if it had one.</param>
/// <param name="Consumer">Consumer group that put it aside, if any.</param>
[EventType("trainmover.dead-letter.v1", Topics.DeadLetter)]
public sealed record DeadLettered(
    DeadLetterReason Reason, string Detail, string Topic, int Partition, long Offset, string FirstBytes, string? Key = null, string? Consumer = null);
