using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace TrainMover.Messaging;

/// <summary>Settings of the native clients, from <see cref="KafkaOptions"/>.</summary>
internal static class ClientSettings
{
    public static ProducerConfig Producer(KafkaOptions options) => With(options, new ProducerConfig
    {
        EnableIdempotence = true,
        Acks = Acks.All,
        LingerMs = 0,
        // Same placement of keys as the Java client's.
        Partitioner = Partitioner.Murmur2Random,
        MessageTimeoutMs = (int)options.Deadline.TotalMilliseconds,
        // Room for attributes, key and headers around the largest body.
        MessageMaxBytes = options.MaxMessageBytes + (16 * 1024),
        QueueBufferingMaxMessages = options.MaxInFlight,
    });

    public static ConsumerConfig Consumer(KafkaOptions options, string group) => With(options, new ConsumerConfig
    {
        GroupId = group,
        EnableAutoCommit = false,
        EnableAutoOffsetStore = false,
        AutoOffsetReset = AutoOffsetReset.Earliest,
        AllowAutoCreateTopics = true,
        FetchWaitMaxMs = (int)options.FetchWait.TotalMilliseconds,
        FetchErrorBackoffMs = 50,
        // Larger than the limit, so that a message above it is seen and put aside instead of blocking its partition.
        MaxPartitionFetchBytes = Math.Max(1024 * 1024, options.MaxMessageBytes) * 2,
        SessionTimeoutMs = 6000,
        HeartbeatIntervalMs = 1000,
        TopicMetadataRefreshIntervalMs = 5000,
        EnablePartitionEof = false,
        // Each field costs a call into the native client, for each message; nobody reads headers.
        ConsumeResultFields = "timestamp,topic",
    });

    /// <summary>For a reader of one topic and very many messages, who need not be told the topic with each.</summary>
    public static ConsumerConfig Bulk(KafkaOptions options, string group)
    {
        var config = Consumer(options, group);
        config.ConsumeResultFields = "timestamp";
        return config;
    }

    public static AdminClientConfig Admin(KafkaOptions options) => With(options, new AdminClientConfig());

    /// <summary>What librdkafka writes goes to the log, quietly: changes of state are logged by those who meet them.</summary>
    public static LogLevel Level(LogMessage message) => message.Level <= SyslogLevel.Critical ? LogLevel.Error : LogLevel.Debug;

    private static TConfig With<TConfig>(KafkaOptions options, TConfig config)
        where TConfig : ClientConfig
    {
        config.BootstrapServers = options.BootstrapServers;
        config.ClientId = $"trainmover-{options.ConsumerGroup}";
        config.SocketTimeoutMs = (int)options.Deadline.TotalMilliseconds;
        config.SocketNagleDisable = true;
        // Starting over from the bootstrap servers makes librdkafka 2.16 connect in a tight loop for as long as they refuse.
        config.MetadataRecoveryStrategy = MetadataRecoveryStrategy.None;
        config.ReconnectBackoffMs = 50;
        config.ReconnectBackoffMaxMs = 250;
        config.LogConnectionClose = false;
        foreach (var (name, value) in options.Settings)
            config.Set(name, value);
        return config;
    }
}
