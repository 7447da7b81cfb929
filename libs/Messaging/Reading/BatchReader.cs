using System.Diagnostics;
using System.Runtime.CompilerServices;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace TrainMover.Messaging;

/// <summary>Messages that were read together; the place after them is stored by <see cref="Commit"/>.</summary>
public sealed class MessageBatch
{
    private readonly Action<IReadOnlyList<TopicPartitionOffset>> _commit;
    private readonly IReadOnlyList<TopicPartitionOffset> _next;

    internal MessageBatch(IReadOnlyList<Message> messages, bool isUpToDate, IReadOnlyList<TopicPartitionOffset> next, Action<IReadOnlyList<TopicPartitionOffset>> commit) =>
        (Messages, IsUpToDate, _next, _commit) = (messages, isUpToDate, next, commit);

    /// <summary>In the order of each partition; empty when nothing came for a while, or nothing in the batch could be read.</summary>
    public IReadOnlyList<Message> Messages { get; }

    /// <summary>The broker answers, and nothing waited behind this batch when it was read.</summary>
    public bool IsUpToDate { get; }

    /// <summary>Stores the place after this batch, while the next one is read; it is stored when the reading has ended. Where the broker is away the batch may come again after a restart.</summary>
    public void Commit()
    {
        if (_next.Count > 0)
            _commit(_next);
    }
}

/// <summary>Reads a topic in bulk for a consumer group, without MassTransit: for telemetry. What cannot be read becomes a dead letter.</summary>
/// <param name="options">Checked by <see cref="KafkaOptions.Validate"/>.</param>
/// <param name="topic">Name without prefix.</param>
/// <param name="deadLetters">Takes what cannot be read, before the batch is handed out.</param>
/// <param name="lag">Receives how far the reader is behind.</param>
/// <param name="logger">Null for none.</param>
/// <param name="maxBatch">Messages per batch at most, at least 1.</param>
public sealed class BatchReader(
    KafkaOptions options, string topic, DeadLetterPublisher deadLetters, ConsumerLag lag, ILogger<BatchReader>? logger = null, int maxBatch = 1000)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private readonly ILogger _logger = logger ?? NullLogger<BatchReader>.Instance;
    private readonly string _topic = options.Topic(topic);
    private readonly string _group = options.GroupOf(topic);

    /// <summary>Reads until cancelled. Ask for the next batch within minutes: a member that does not is put out of its group.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async IAsyncEnumerable<MessageBatch> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        options.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBatch, 1);
        var broker = new BrokerState($"Reader of {_topic}", options.BootstrapServers, _logger);
        var meter = new LagMeter(lag, _topic, _group, options, broker);
        using var consumer = new ConsumerBuilder<byte[], byte[]>(ClientSettings.Bulk(options, _group))
            .SetLogHandler((_, message) => _logger.Log(ClientSettings.Level(message), "{Message}", message.Message))
            .SetErrorHandler((_, error) => broker.OnError(error))
            .SetPartitionsAssignedHandler((_, _) => broker.Answers())
            .Build();
        var places = new CommittedPlaces(offsets => Commit(consumer, offsets));
        try
        {
            using var place = new GroupPlace(consumer, options, topic, broker, _logger);
            while (!cancellationToken.IsCancellationRequested)
            {
                var collected = await Task.Run(() => Collect(consumer, place, meter), CancellationToken.None);
                if (cancellationToken.IsCancellationRequested)
                    break;
                foreach (var (consumed, why) in collected.Unreadable)
                    await deadLetters.PutAsideAsync(consumed, why.Reason, why.Detail, _group, cancellationToken);
                List<TopicPartitionOffset> next = [.. collected.Next.Select(partition => new TopicPartitionOffset(_topic, partition.Key, partition.Value))];
                yield return new MessageBatch(collected.Messages, !broker.IsAway && collected.Count < maxBatch, next, places.Store);
            }
        }
        finally
        {
            await places.Stored;
            await Task.Run(consumer.Close, CancellationToken.None);
        }
    }

    // Each message is read at once, so that its bytes are gone before the next collection of garbage could copy them.
    private Collected Collect(IConsumer<byte[], byte[]> consumer, GroupPlace place, LagMeter meter)
    {
        var collected = new Collected();
        var started = Stopwatch.GetTimestamp();
        for (var patience = Poll; collected.Count < maxBatch && Stopwatch.GetElapsedTime(started) < Poll; patience = TimeSpan.Zero)
        {
            if (place.Consume(patience) is not { } consumed)
                break;
            // A partition's messages come in order.
            collected.Next[consumed.Partition.Value] = consumed.Offset.Value + 1;
            switch (EnvelopeFormat.Read(consumed.Message.Value ?? [], options.MaxMessageBytes))
            {
                case Reading.Readable readable:
                    collected.Messages.Add(new Message(readable.Envelope, consumed));
                    break;
                case Reading.Unreadable unreadable:
                    collected.Unreadable.Add((consumed, unreadable));
                    break;
            }
        }
        meter.Measure(consumer);
        return collected;
    }

    private void Commit(IConsumer<byte[], byte[]> consumer, IReadOnlyList<TopicPartitionOffset> offsets)
    {
        try
        {
            consumer.Commit(offsets);
        }
        catch (KafkaException failure)
        {
            // What ends the consumer is met by its next read.
            _logger.LogDebug("Offsets of {Topic} are not committed ({Reason}); the batch may come again", _topic, failure.Error.Reason);
        }
    }

    private sealed class Collected
    {
        public List<Message> Messages { get; } = [];

        public List<(ConsumeResult<byte[], byte[]> Consumed, Reading.Unreadable Why)> Unreadable { get; } = [];

        public Dictionary<int, long> Next { get; } = [];

        public int Count => Messages.Count + Unreadable.Count;
    }
}
