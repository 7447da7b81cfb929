namespace TrainMover.EventLog;

/// <summary>Where events of the log are published, for example Kafka.</summary>
public interface IEventPublisher
{
    /// <summary>Publishes one event; returns when it is durable there. Called again with the same event after a failure or a crash.</summary>
    /// <param name="logged">The event.</param>
    /// <param name="ct">Cancels the attempt.</param>
    Task PublishAsync(LoggedEvent logged, CancellationToken ct);
}
