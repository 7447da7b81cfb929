using System.Diagnostics;
using Confluent.Kafka;

namespace TrainMover.Messaging;

/// <summary>Which partitions a reader that joins no group holds; keeps up with new ones and with a cluster that is another one.</summary>
/// <param name="consumer">Holds the partitions.</param>
/// <param name="admin">Asks for cluster and partitions.</param>
/// <param name="options">Prefix of the topics.</param>
/// <param name="topics">Topics, without prefix.</param>
/// <param name="interval">Time between two looks for what is new.</param>
/// <param name="first">Where to begin in partitions that are there at the first look.</param>
/// <param name="later">Where to begin in partitions that appear later, and in another cluster.</param>
internal sealed class PartitionAssignment(
    IConsumer<byte[], byte[]> consumer, IAdminClient admin, KafkaOptions options, IReadOnlyList<string> topics, TimeSpan interval, Offset first, Offset later)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly HashSet<TopicPartition> _assigned = [];
    private string? _clusterId;
    private long _refreshed;

    public enum Outcome
    {
        SameCluster,
        OtherCluster,
        NoAnswer,
    }

    public bool IsDue => _clusterId is null || Stopwatch.GetElapsedTime(_refreshed) >= interval;

    /// <summary>Asks the broker for cluster and partitions, and assigns what is new.</summary>
    public Outcome Refresh()
    {
        try
        {
            var clusterId = KafkaCluster.ClusterIdAsync(admin, options with { Deadline = Patience }, CancellationToken.None).GetAwaiter().GetResult();
            var isFirst = _clusterId is null;
            var isOther = !isFirst && clusterId != _clusterId;
            if (isOther)
            {
                consumer.Unassign();
                _assigned.Clear();
            }
            var added = Partitions().Where(partition => !_assigned.Contains(partition)).ToList();
            if (added.Count > 0)
                consumer.IncrementalAssign(added.ConvertAll(partition => new TopicPartitionOffset(partition, isFirst ? First(partition) : later)));
            _assigned.UnionWith(added);
            _clusterId = clusterId;
            _refreshed = Stopwatch.GetTimestamp();
            return isOther ? Outcome.OtherCluster : Outcome.SameCluster;
        }
        catch (Exception failure) when (failure is KafkaException or BrokerUnavailableException)
        {
            return Outcome.NoAnswer;
        }
    }

    public void ReadAgain(ConsumeResult<byte[], byte[]> consumed)
    {
        if (_assigned.Contains(consumed.TopicPartition))
            consumer.Seek(consumed.TopicPartitionOffset);
    }

    private IEnumerable<TopicPartition> Partitions() =>
        from topic in topics.Select(options.Topic)
        from metadata in admin.GetMetadata(topic, Patience).Topics
        where !metadata.Error.IsError
        from partition in metadata.Partitions
        select new TopicPartition(topic, partition.PartitionId);

    /// <summary>The end is asked for now, so that nothing published after this call is missed.</summary>
    private Offset First(TopicPartition partition) =>
        first == Offset.End ? consumer.QueryWatermarkOffsets(partition, Patience).High : first;
}
