using System.Text;
using Confluent.Kafka;

namespace TrainMover.Messaging;

/// <summary>Keys are read as bytes: a stranger's may be no text.</summary>
internal static class MessageKey
{
    public static string? Text(byte[]? key) => key is null ? null : Encoding.UTF8.GetString(key);

    public static Origin Origin(ConsumeResult<byte[], byte[]> consumed) =>
        Origin(consumed.Topic, consumed.Partition.Value, consumed.Offset.Value, consumed.Message.Key, consumed.Message.Timestamp);

    public static Origin Origin(string topic, int partition, long offset, byte[]? key, Timestamp timestamp) =>
        new(topic, partition, offset, Text(key), DateTimeOffset.FromUnixTimeMilliseconds(timestamp.UnixTimestampMs));
}
