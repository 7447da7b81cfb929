using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace TrainMover.Messaging;

/// <summary>Questions to the cluster as a whole.</summary>
public sealed class KafkaCluster : IDisposable
{
    private static readonly TimeSpan DescribePatience = TimeSpan.FromSeconds(2);

    private readonly KafkaOptions _options;
    private readonly IAdminClient _admin;

    /// <summary>Connects in the background; needs no broker yet.</summary>
    /// <param name="options">Checked by <see cref="KafkaOptions.Validate"/>.</param>
    /// <param name="logger">Null for none.</param>
    public KafkaCluster(KafkaOptions options, ILogger<KafkaCluster>? logger = null)
    {
        _options = options.Validate();
        var log = logger ?? NullLogger<KafkaCluster>.Instance;
        _admin = new AdminClientBuilder(ClientSettings.Admin(options))
            .SetLogHandler((_, message) => log.Log(ClientSettings.Level(message), "{Message}", message.Message))
            .SetErrorHandler((_, error) => log.LogDebug("{Reason}", error.Reason))
            .Build();
    }

    /// <summary>Id of the cluster. Another id than before means another, or an emptied, cluster: what was published is not there.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="BrokerUnavailableException">No answer within <see cref="KafkaOptions.Deadline"/>.</exception>
    public Task<string> ClusterIdAsync(CancellationToken cancellationToken = default) => ClusterIdAsync(_admin, _options, cancellationToken);

    /// <summary>Creates the topics that do not exist. Where the broker cannot (the embedded one), topics appear on first use.</summary>
    /// <param name="topics">Names without prefix.</param>
    /// <param name="partitions">Partitions of a new topic.</param>
    /// <param name="replicas">Copies of a new topic; -1 for the cluster's default.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="BrokerUnavailableException">No answer within <see cref="KafkaOptions.Deadline"/>.</exception>
    public async Task EnsureTopicsAsync(IEnumerable<string> topics, int partitions = 8, short replicas = -1, CancellationToken cancellationToken = default)
    {
        var wanted = topics.Select(topic => new TopicSpecification { Name = _options.Topic(topic), NumPartitions = partitions, ReplicationFactor = replicas });
        try
        {
            await _admin.CreateTopicsAsync(wanted, new CreateTopicsOptions { RequestTimeout = _options.Deadline, OperationTimeout = _options.Deadline }).WaitAsync(cancellationToken);
        }
        catch (CreateTopicsException failure) when (failure.Results.TrueForAll(result => !result.Error.IsError || result.Error.Code == ErrorCode.TopicAlreadyExists))
        {
            // All of them exist.
        }
        catch (KafkaException failure) when (failure.Error.Code == ErrorCode.Local_UnsupportedFeature)
        {
            // The embedded broker: topics appear on first use.
        }
        catch (KafkaException failure) when (failure.Error.Code is ErrorCode.Local_TimedOut or ErrorCode.Local_Transport)
        {
            throw new BrokerUnavailableException(_options.BootstrapServers, "create topics", _options.Deadline, failure);
        }
    }

    /// <summary>Disconnects.</summary>
    public void Dispose() => _admin.Dispose();

    internal static async Task<string> ClusterIdAsync(IAdminClient admin, KafkaOptions options, CancellationToken cancellationToken)
    {
        try
        {
            // An administrative request that waits for a broker keeps two threads of librdkafka 2.16 spinning: it is made when one answers.
            await Task.Run(() => admin.GetMetadata(options.Deadline), CancellationToken.None).WaitAsync(cancellationToken);
            var patience = options.Deadline < DescribePatience ? options.Deadline : DescribePatience;
            var description = await admin.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = patience }).WaitAsync(cancellationToken);
            return description.ClusterId;
        }
        catch (KafkaException failure)
        {
            throw new BrokerUnavailableException(options.BootstrapServers, "cluster id", options.Deadline, failure);
        }
    }
}
