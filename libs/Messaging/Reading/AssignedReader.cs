using System.Diagnostics;
using System.Runtime.CompilerServices;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace TrainMover.Messaging;

/// <summary>
/// Reads all partitions of some topics without a consumer group, as agents and the command line do: nothing is committed, no other reader is
/// disturbed. It waits for a broker that is away and, when the cluster comes back emptied, begins again at its beginning.
/// </summary>
/// <param name="options">Checked by <see cref="KafkaOptions.Validate"/>.</param>
/// <param name="reader">What is read, and from where.</param>
/// <param name="logger">Null for none.</param>
public sealed class AssignedReader(KafkaOptions options, AssignedReaderOptions reader, ILogger<AssignedReader>? logger = null)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private readonly ILogger _logger = logger ?? NullLogger<AssignedReader>.Instance;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes once the places to begin at are fixed: what is published from then on will be read.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Reads until cancelled; each batch keeps the order of its partitions and is never empty. For one reader at a time.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async IAsyncEnumerable<IReadOnlyList<Message>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        options.Validate();
        var broker = new BrokerState("Reader of " + string.Join(", ", reader.Topics), options.BootstrapServers, _logger);
        var suspicion = new Suspicion();
        using var consumer = new ConsumerBuilder<byte[], byte[]>(ClientSettings.Consumer(options, options.ConsumerGroup))
            .SetLogHandler((_, message) => _logger.Log(ClientSettings.Level(message), "{Message}", message.Message))
            .SetErrorHandler((_, error) =>
            {
                broker.OnError(error);
                suspicion.Raised = true;
            })
            .Build();
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var assignment = new PartitionAssignment(
            consumer, admin, options, reader.Topics, reader.Refresh, reader.StartAt == StartAt.Beginning ? Offset.Beginning : Offset.End, Offset.Beginning);
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                var batch = await Task.Run(() => Next(consumer, assignment, broker, suspicion), CancellationToken.None);
                if (batch.Count > 0 && !cancellationToken.IsCancellationRequested)
                    yield return batch;
            }
        }
        finally
        {
            await Task.Run(consumer.Close, CancellationToken.None);
        }
    }

    private List<Message> Next(IConsumer<byte[], byte[]> consumer, PartitionAssignment assignment, BrokerState broker, Suspicion suspicion)
    {
        if (suspicion.Raised || assignment.IsDue)
            Refresh(assignment, broker, suspicion);
        var batch = new List<Message>();
        var started = Stopwatch.GetTimestamp();
        for (var patience = Poll; batch.Count < reader.MaxBatch && Stopwatch.GetElapsedTime(started) < Poll; patience = TimeSpan.Zero)
        {
            var consumed = Consume(consumer, broker, patience);
            // After a disturbance the offsets may belong to another cluster: this message is read again once that is known.
            if (suspicion.Raised && !Refresh(assignment, broker, suspicion, consumed))
                break;
            if (consumed is null)
                break;
            if (Read(consumed) is { } message)
                batch.Add(message);
        }
        return batch;
    }

    /// <returns>Whether the reader may go on with what it holds.</returns>
    private bool Refresh(PartitionAssignment assignment, BrokerState broker, Suspicion suspicion, ConsumeResult<byte[], byte[]>? held = null)
    {
        suspicion.Raised = false;
        var wasAway = broker.IsAway;
        var outcome = assignment.Refresh();
        if (outcome == PartitionAssignment.Outcome.NoAnswer)
        {
            suspicion.Raised = true;
            broker.Away("no metadata");
            if (held is not null)
                assignment.ReadAgain(held);
            return false;
        }
        broker.Answers();
        if (outcome == PartitionAssignment.Outcome.OtherCluster)
            _logger.LogWarning("The cluster is another one, or was emptied: {Topics} are read from their beginning", string.Join(", ", reader.Topics));
        _ready.TrySetResult();
        if (wasAway)
            reader.Reconnected?.Invoke();
        return outcome == PartitionAssignment.Outcome.SameCluster;
    }

    private static ConsumeResult<byte[], byte[]>? Consume(IConsumer<byte[], byte[]> consumer, BrokerState broker, TimeSpan patience)
    {
        try
        {
            return consumer.Consume(patience);
        }
        catch (ConsumeException failure) when (!failure.Error.IsFatal)
        {
            broker.OnError(failure.Error);
            return null;
        }
    }

    private Message? Read(ConsumeResult<byte[], byte[]> consumed)
    {
        var origin = MessageKey.Origin(consumed);
        if (reader.Key is { } key && key != origin.Key)
            return null;
        switch (EnvelopeFormat.Read(consumed.Message.Value ?? [], options.MaxMessageBytes))
        {
            case Reading.Readable readable:
                return new Message(readable.Envelope, consumed);
            case Reading.Unreadable unreadable:
                if (reader.Unreadable is { } report)
                    report(origin, unreadable);
                else
                    _logger.LogWarning("{Topic} {Partition}/{Offset} cannot be read ({Reason}): {Detail}", origin.Topic, origin.Partition, origin.Offset, unreadable.Reason, unreadable.Detail);
                return null;
            default:
                throw new UnreachableException();
        }
    }

    private sealed class Suspicion
    {
        public volatile bool Raised;
    }
}
