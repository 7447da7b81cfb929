using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace TrainMover.Messaging;

/// <summary>Gives a consumer its partitions, and its place in them under the name of its group, by either kind of <see cref="Membership"/>.</summary>
internal sealed class GroupPlace : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly IConsumer<byte[], byte[]> _consumer;
    private readonly string _topic;
    private readonly BrokerState _broker;
    private readonly ILogger _logger;
    private readonly IAdminClient? _admin;
    private readonly PartitionAssignment? _assignment;
    private int _errors;

    public GroupPlace(IConsumer<byte[], byte[]> consumer, KafkaOptions options, string topic, BrokerState broker, ILogger logger)
    {
        (_consumer, _topic, _broker, _logger, _errors) = (consumer, options.Topic(topic), broker, logger, broker.Errors);
        if (options.Membership == Membership.Joined)
        {
            consumer.Subscribe(_topic);
            return;
        }
        _admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        // A stored place that does not exist is the beginning: of a new group, and of a cluster that was emptied.
        _assignment = new PartitionAssignment(consumer, _admin, options, [topic], Interval, Offset.Stored, Offset.Stored);
    }

    /// <summary>The next message, or null when there is none within the patience.</summary>
    /// <exception cref="KafkaException">The consumer cannot go on.</exception>
    public ConsumeResult<byte[], byte[]>? Consume(TimeSpan patience)
    {
        if (_assignment is { IsDue: true })
            Refresh(held: null);
        try
        {
            var consumed = _consumer.Consume(patience);
            // A consumer of very many messages is not told it with each.
            if (consumed is not null)
                consumed.Topic ??= _topic;
            // After a disturbance the offsets may belong to another cluster: that is asked before the message counts.
            if (_assignment is not null && _broker.Errors != _errors && !Refresh(consumed))
                return null;
            if (consumed is not null)
                _broker.Answers();
            return consumed;
        }
        catch (ConsumeException failure) when (!failure.Error.IsFatal)
        {
            // The client recovers by itself: a topic that is not there yet, an offset that is gone, a broker that is away.
            _broker.OnError(failure.Error);
            return null;
        }
    }

    public void Dispose() => _admin?.Dispose();

    private bool Refresh(ConsumeResult<byte[], byte[]>? held)
    {
        var errors = _broker.Errors;
        switch (_assignment!.Refresh())
        {
            case PartitionAssignment.Outcome.NoAnswer:
                _broker.Away("no metadata");
                if (held is not null)
                    _assignment.ReadAgain(held);
                return false;
            case PartitionAssignment.Outcome.OtherCluster:
                _logger.LogWarning("The cluster is another one, or was emptied: reading goes on from its beginning");
                (_errors, held) = (errors, null);
                _broker.Answers();
                return false;
            default:
                _errors = errors;
                _broker.Answers();
                return true;
        }
    }
}
