using Confluent.Kafka;
using MassTransit;
using MassTransit.Transports;
using Microsoft.Extensions.Logging;
using TrainMover.Contracts.DeadLetters;

namespace TrainMover.Messaging;

/// <summary>Brings one message to its end: handled, put aside as a dead letter, or of no concern. Tries until one of them is true.</summary>
internal sealed class MessageHandler(
    Subscription subscription, string group, KafkaOptions options, IReceiveEndpointDispatcherFactory dispatchers,
    DeadLetterPublisher deadLetters, Func<Exception, bool> isTransient, TimeProvider time, ILogger logger)
{
    private readonly Dictionary<Type, IReceiveEndpointDispatcher> _dispatchers = [];

    /// <returns>Versioned type of the message that was handled; null when nothing was.</returns>
    /// <exception cref="OperationCanceledException">Not brought to an end: it will come again.</exception>
    public async Task<string?> HandleAsync(ConsumeResult<byte[], byte[]> consumed, CancellationToken cancellationToken)
    {
        switch (EnvelopeFormat.Read(consumed.Message.Value ?? [], options.MaxMessageBytes))
        {
            case Reading.Unreadable unreadable:
                await deadLetters.PutAsideAsync(consumed, unreadable.Reason, unreadable.Detail, group, cancellationToken);
                return null;
            case Reading.Readable { Envelope: var envelope } when subscription.Routes.TryGetValue(envelope.Data.GetType(), out var route):
                await DispatchAsync(consumed, envelope, route, cancellationToken);
                return envelope.Type;
            default:
                return null;
        }
    }

    private async Task DispatchAsync(ConsumeResult<byte[], byte[]> consumed, Envelope envelope, Subscription.Route route, CancellationToken cancellationToken)
    {
        if (!_dispatchers.TryGetValue(route.Consumer, out var dispatcher))
            _dispatchers[route.Consumer] = dispatcher = route.Dispatcher(dispatchers);
        var headers = new Dictionary<string, object>
        {
            [MessageHeaders.MessageType] = route.MessageUrn,
            [MessageHeaders.ContentType] = "application/json",
        };
        var failures = 0;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await dispatcher.Dispatch(consumed.Message.Value, headers, cancellationToken, MessageKey.Origin(consumed));
                if (attempt > 1)
                    logger.LogInformation("{Type} {Id} was handled at attempt {Attempt}", envelope.Type, envelope.Id, attempt);
                return;
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(cancellationToken);
            }
            catch (Exception failure) when (isTransient(failure))
            {
                if (attempt == 1)
                    logger.LogWarning("{Type} {Id} waits, until what it needs is back: {Reason}", envelope.Type, envelope.Id, Cause(failure));
            }
            catch (Exception failure) when (++failures >= options.PoisonAttempts)
            {
                logger.LogError(failure, "{Type} {Id} failed {Attempts} times and is put aside", envelope.Type, envelope.Id, failures);
                await deadLetters.PutAsideAsync(consumed, DeadLetterReason.Poison, Cause(failure), group, cancellationToken);
                return;
            }
            catch (Exception failure)
            {
                logger.LogWarning("{Type} {Id} failed and is tried again: {Reason}", envelope.Type, envelope.Id, Cause(failure));
            }
            await Task.Delay(options.RetryDelay(attempt), time, cancellationToken);
        }
    }

    private static string Cause(Exception failure)
    {
        var cause = failure;
        while (cause is ConsumerException or AggregateException && cause.InnerException is { } inner)
            cause = inner;
        return $"{cause.GetType().Name}: {cause.Message.ReplaceLineEndings(" ")}";
    }
}
