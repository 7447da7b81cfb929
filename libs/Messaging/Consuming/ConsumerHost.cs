using Confluent.Kafka;
using MassTransit.Transports;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace TrainMover.Messaging;

/// <summary>Reads one topic for one consumer group, message by message in the order of each partition, and commits an offset once the message came to its end.</summary>
internal sealed class ConsumerHost(
    Subscription subscription, MessagingBuilder settings, KafkaOptions options, IReceiveEndpointDispatcherFactory dispatchers,
    DeadLetterPublisher deadLetters, ConsumerLag lag, TimeProvider time, ILoggerFactory loggers) : BackgroundService
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly string _topic = options.Topic(subscription.Topic);
    private readonly string _group = options.GroupOf(subscription.Topic);
    private readonly ILogger _logger = loggers.CreateLogger($"TrainMover.Messaging.{subscription.Topic}");

    private CancellationTokenSource? _current;
    private TopicPartition? _inHand;

    /// <summary>A thread of its own: the native client's calls block.</summary>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Factory.StartNew(() => Run(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken stopping)
    {
        var broker = new BrokerState($"Consumer of {_topic}", options.BootstrapServers, _logger);
        var handler = new MessageHandler(subscription, _group, options, dispatchers, deadLetters, settings.IsTransient, time, _logger);
        var meter = new LagMeter(lag, _topic, _group, options, broker);
        for (var attempt = 1; !stopping.IsCancellationRequested; attempt++)
        {
            using var consumer = Build(broker);
            try
            {
                using var place = new GroupPlace(consumer, options, subscription.Topic, broker, _logger);
                while (!stopping.IsCancellationRequested)
                {
                    if (place.Consume(Poll) is { } consumed)
                        Handle(consumer, consumed, handler, meter, stopping);
                    meter.Measure(consumer);
                }
            }
            catch (KafkaException failure)
            {
                _logger.LogWarning("The consumer of {Topic} cannot go on ({Reason}); a new one takes over", _topic, failure.Error.Reason);
                stopping.WaitHandle.WaitOne(options.RetryDelay(attempt));
            }
            finally
            {
                Close(consumer);
            }
        }
    }

    private void Handle(IConsumer<byte[], byte[]> consumer, ConsumeResult<byte[], byte[]> consumed, MessageHandler handler, LagMeter meter, CancellationToken stopping)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        (_current, _inHand) = (cancellation, consumed.TopicPartition);
        try
        {
            var work = Task.Run(() => BringToEndAsync(consumer, consumed, handler, cancellation.Token), CancellationToken.None);
            if (Task.WaitAny([work], Patience) < 0)
                StayInGroup(consumer, consumed, work, meter);
            work.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopping, or the partition went to another member: whoever reads it next gets the message again.
        }
        finally
        {
            (_current, _inHand) = (null, null);
        }
    }

    /// <summary>The commit belongs to the work: it waits for an answer, and may have to wait long for it.</summary>
    private async Task BringToEndAsync(IConsumer<byte[], byte[]> consumer, ConsumeResult<byte[], byte[]> consumed, MessageHandler handler, CancellationToken cancellationToken)
    {
        if (await handler.HandleAsync(consumed, cancellationToken) is { } handled)
            settings.BeforeOffsetCommit?.Invoke(handled);
        Commit(consumer, consumed);
    }

    /// <summary>While a message takes long, the group must still hear from this member and hand partitions over.</summary>
    private static void StayInGroup(IConsumer<byte[], byte[]> consumer, ConsumeResult<byte[], byte[]> consumed, Task work, LagMeter meter)
    {
        consumer.Pause(consumer.Assignment);
        do
        {
            try
            {
                if (consumer.Consume(TimeSpan.Zero) is { } early)
                {
                    // From a partition that was assigned meanwhile.
                    consumer.Pause([early.TopicPartition]);
                    consumer.Seek(early.TopicPartitionOffset);
                }
            }
            catch (ConsumeException failure) when (!failure.Error.IsFatal)
            {
                // The client recovers by itself; nothing is being read now.
            }
            meter.Measure(consumer, stuckOn: $"offset {consumed.Offset.Value} of partition {consumed.Partition.Value}");
        }
        while (Task.WaitAny([work], Poll) < 0);
        consumer.Resume(consumer.Assignment);
    }

    private void Commit(IConsumer<byte[], byte[]> consumer, ConsumeResult<byte[], byte[]> consumed)
    {
        try
        {
            consumer.Commit(consumed);
        }
        catch (KafkaException failure) when (!failure.Error.IsFatal)
        {
            _logger.LogDebug("Offset {Offset} of {Topic}/{Partition} is not committed ({Reason}); the message may come again", consumed.Offset.Value, consumed.Topic, consumed.Partition.Value, failure.Error.Reason);
        }
    }

    /// <summary>Closing leaves the group in order; disposing an open consumer can hang.</summary>
    private void Close(IConsumer<byte[], byte[]> consumer)
    {
        try
        {
            consumer.Close();
        }
        catch (KafkaException failure)
        {
            _logger.LogDebug("The consumer of {Topic} closed with: {Reason}", _topic, failure.Error.Reason);
        }
    }

    private IConsumer<byte[], byte[]> Build(BrokerState broker) => new ConsumerBuilder<byte[], byte[]>(ClientSettings.Consumer(options, _group))
        .SetLogHandler((_, message) => _logger.Log(ClientSettings.Level(message), "{Message}", message.Message))
        .SetErrorHandler((_, error) => broker.OnError(error))
        .SetPartitionsAssignedHandler((_, _) => broker.Answers())
        .SetPartitionsRevokedHandler((_, revoked) => Abandon(revoked))
        .SetPartitionsLostHandler((_, lost) => Abandon(lost))
        .Build();

    private void Abandon(List<TopicPartitionOffset> partitions)
    {
        if (_inHand is { } inHand && partitions.Exists(partition => partition.TopicPartition == inHand))
            _current?.Cancel();
    }
}
