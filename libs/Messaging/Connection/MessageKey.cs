using System.Text;
using Confluent.Kafka;

namespace TrainMover.Messaging;

/// <summary>Keys are read as bytes: a stranger's may be no text.</summary>
internal static class MessageKey
{
    public static string? Text(byte[]? key) => key is null ? null : Encoding.UTF8.GetString(key);

    public static Origin Origin(ConsumeResult<byte[], byte[]> consumed) =>
        new(consumed.Topic, consumed.Partition.Value, consumed.Offset.Value, Text(consumed.Message.Key), DateTimeOffset.FromUnixTimeMilliseconds(consumed.Message.Timestamp.UnixTimestampMs));
}
