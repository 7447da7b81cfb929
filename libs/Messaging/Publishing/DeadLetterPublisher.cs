using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using TrainMover.Contracts.DeadLetters;

namespace TrainMover.Messaging;

/// <summary>Puts aside what cannot be read or handled, with the reason and its first bytes.</summary>
/// <param name="publisher">Publishes to the topic of dead letters.</param>
/// <param name="options">Waits between two tries.</param>
/// <param name="logger">Null for none.</param>
/// <param name="time">Clock; null for the system's.</param>
public sealed class DeadLetterPublisher(KafkaPublisher publisher, KafkaOptions options, ILogger<DeadLetterPublisher>? logger = null, TimeProvider? time = null)
{
    private const int FirstBytes = 1024;

    private readonly ILogger _logger = logger ?? NullLogger<DeadLetterPublisher>.Instance;

    /// <summary>
    /// Returns once the dead letter is there; tries for as long as the broker is away. Commit the message's offset after that. The id is made of the
    /// message's place, so that a repeat is the same dead letter.
    /// </summary>
    /// <param name="consumed">The message.</param>
    /// <param name="reason">Why.</param>
    /// <param name="detail">What exactly was wrong, in one plain sentence.</param>
    /// <param name="consumer">Consumer group that puts it aside.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task PutAsideAsync(ConsumeResult<byte[], byte[]> consumed, DeadLetterReason reason, string detail, string consumer, CancellationToken cancellationToken = default)
    {
        var body = consumed.Message.Value ?? [];
        var key = MessageKey.Text(consumed.Message.Key);
        var letter = new DeadLettered(
            reason, detail, consumed.Topic, consumed.Partition.Value, consumed.Offset.Value,
            Convert.ToBase64String(body.AsSpan(0, Math.Min(body.Length, FirstBytes))), key, consumer);
        var place = $"{consumer}/{consumed.Topic}/{consumed.Partition.Value}/{consumed.Offset.Value}/{consumed.Message.Timestamp.UnixTimestampMs}";
        var envelope = publisher.Wrap(letter, subject: string.IsNullOrEmpty(key) ? null : key, id: place);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await publisher.PublishAsync(key, envelope, cancellationToken);
                _logger.LogWarning(
                    "A message of {Topic} at {Partition}/{Offset} is a dead letter ({Reason}): {Detail}", consumed.Topic, consumed.Partition.Value, consumed.Offset.Value, reason, detail);
                return;
            }
            catch (BrokerUnavailableException)
            {
                await Task.Delay(options.RetryDelay(attempt), time ?? TimeProvider.System, cancellationToken);
            }
        }
    }
}
