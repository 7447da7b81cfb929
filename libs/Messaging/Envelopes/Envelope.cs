using Confluent.Kafka;

namespace TrainMover.Messaging;

/// <summary>A message of the catalogue with its CloudEvents attributes. (<see cref="Source"/>, <see cref="Id"/>) is the key by which a receiver drops repeats.</summary>
/// <param name="Id">Unique within the source.</param>
/// <param name="Source">URI reference of who published.</param>
/// <param name="Type">Versioned name of the catalogue.</param>
/// <param name="Data">The body: an instance of the type's record.</param>
public sealed record Envelope(string Id, string Source, string Type, object Data)
{
    /// <summary>What it is about: the key of the topic.</summary>
    public string? Subject { get; init; }

    /// <summary>When it happened.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>The same for all that follows from one first cause.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>Id of the message or event that this one answers.</summary>
    public string? CausationId { get; init; }

    /// <summary>Generation of the job.</summary>
    public long? Generation { get; init; }

    /// <summary>Stream of the event log.</summary>
    public string? Stream { get; init; }

    /// <summary>Place in that stream, from 1.</summary>
    public long? StreamVersion { get; init; }

    /// <summary>Place in the whole log, from 1.</summary>
    public long? Sequence { get; init; }

    /// <summary>Who decided.</summary>
    public string? Actor { get; init; }
}

/// <summary>Where a message stood.</summary>
/// <param name="Topic">Full name of the topic.</param>
/// <param name="Partition">Partition.</param>
/// <param name="Offset">Offset in the partition.</param>
/// <param name="Key">Key, if it had one.</param>
/// <param name="Timestamp">The broker's or producer's time stamp.</param>
public sealed record Origin(string Topic, int Partition, long Offset, string? Key, DateTimeOffset Timestamp);

/// <summary>A message that was read.</summary>
public sealed class Message
{
    private readonly string _topic;
    private readonly int _partition;
    private readonly long _offset;
    private readonly byte[]? _key;
    private readonly Timestamp _timestamp;

    // Not the whole of what was consumed: its bytes would live as long as what they say.
    internal Message(Envelope envelope, ConsumeResult<byte[], byte[]> consumed)
    {
        Envelope = envelope;
        (_topic, _partition, _offset) = (consumed.Topic, consumed.Partition.Value, consumed.Offset.Value);
        (_key, _timestamp) = (consumed.Message.Key, consumed.Message.Timestamp);
    }

    /// <summary>What it says.</summary>
    public Envelope Envelope { get; }

    /// <summary>Where it stood; made when it is asked for, which is seldom.</summary>
    public Origin Origin => MessageKey.Origin(_topic, _partition, _offset, _key, _timestamp);
}
