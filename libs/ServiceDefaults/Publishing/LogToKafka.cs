using TrainMover.Contracts;
using TrainMover.EventLog;
using TrainMover.Messaging;

namespace TrainMover.ServiceDefaults.Publishing;

/// <summary>Publishes events of the log as CloudEvents; the event's id, actor and place in the log go along, so that receivers can drop repeats and see gaps.</summary>
/// <param name="publisher">The process's producer.</param>
public sealed class LogToKafka(KafkaPublisher publisher) : IEventPublisher
{
    /// <inheritdoc/>
    public async Task PublishAsync(LoggedEvent logged, CancellationToken ct)
    {
        var key = MessageKey.Of(logged.Data);
        await publisher.PublishAsync(key, ToEnvelope(logged, key), ct);
    }

    /// <summary>The message that carries a logged event.</summary>
    public static Envelope ToEnvelope(LoggedEvent logged, string key) => new(logged.Id.ToString(), $"/trainmover/{logged.Actor}", logged.Type, logged.Data)
    {
        Subject = key,
        Time = logged.RecordedAt,
        CorrelationId = logged.CorrelationId,
        CausationId = logged.CausationId,
        Stream = logged.Stream,
        StreamVersion = logged.Version,
        Sequence = logged.Sequence,
        Actor = logged.Actor,
    };
}
