using System.Collections;
using System.Text.RegularExpressions;
using TrainMover.Contracts;

namespace TrainMover.Messaging;

/// <summary>How the processes of a consumer group share a topic.</summary>
public enum Membership
{
    /// <summary>
    /// One process reads all partitions and keeps its place under the group's name: restarted after a crash, it goes on at once. A second process would
    /// handle every message too; repeats are dropped by their receivers.
    /// </summary>
    Sole,

    /// <summary>Processes join the group and divide the partitions; those of a crashed member rest until its session times out (6 s and more).</summary>
    Joined,
}

/// <summary>How a process talks to Kafka. Checked as a whole at start by <see cref="Validate"/>.</summary>
public sealed partial record KafkaOptions
{
    private const string Passed = "TRAINMOVER_KAFKA_";

    /// <summary>Addresses of brokers, <c>host:port</c>, comma separated.</summary>
    public required string BootstrapServers { get; init; }

    /// <summary>Name of this process in consumer groups and in the CloudEvents <c>source</c>, for example <c>executor</c>.</summary>
    public required string ConsumerGroup { get; init; }

    /// <summary>How processes with the same <see cref="ConsumerGroup"/> share a topic. Default <see cref="Membership.Sole"/>.</summary>
    public Membership Membership { get; init; } = Membership.Sole;

    /// <summary>Prefix of all topics. Default <c>trainmover.</c>; at most 100 of the characters a topic may have.</summary>
    public string TopicPrefix { get; init; } = Topics.DefaultPrefix;

    /// <summary>Largest body that is sent or read, in bytes; a larger one that the broker has is a dead letter. Default 1 MiB, 1 KiB to 64 MiB.</summary>
    public int MaxMessageBytes { get; init; } = 1024 * 1024;

    /// <summary>Messages a consumer may be behind before it reads as unhealthy. Default 10,000.</summary>
    public long MaxLag { get; init; } = 10_000;

    /// <summary>
    /// Longest time for which a broker holds a fetch that finds nothing; as soon as something is produced it answers. A partition that is added waits for that long until it is fetched for the first time. Default 100 ms, at most 1 s.
    /// </summary>
    public TimeSpan FetchWait { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Time within which a publish must be acknowledged, and any other request answered. Default 10 s, at least 1 s.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a message is tried whose handling fails for a reason that is not transient, before it is a dead letter. Default 5.</summary>
    public int PoisonAttempts { get; init; } = 5;

    /// <summary>Wait before the second try; it doubles with each further one. Default 100 ms.</summary>
    public TimeSpan FirstRetryDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest wait between two tries. Default 5 s.</summary>
    public TimeSpan LongestRetryDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Messages awaiting the broker's acknowledgement before a publisher waits. Default 10,000.</summary>
    public int MaxInFlight { get; init; } = 10_000;

    /// <summary>Further librdkafka settings (SASL, TLS, ...), by their names there; they win over what this library sets.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>CloudEvents <c>source</c> of what this process publishes.</summary>
    public string Source => $"/trainmover/{ConsumerGroup}";

    /// <summary>Full name of a topic.</summary>
    /// <param name="topic">Name without prefix, one of <see cref="Topics"/>.</param>
    public string Topic(string topic) => TopicPrefix + topic;

    /// <summary>Consumer group of a topic: one per topic, so that a change of members on one topic does not stop the others.</summary>
    /// <param name="topic">Name without prefix, one of <see cref="Topics"/>.</param>
    public string GroupOf(string topic) => $"{TopicPrefix}{ConsumerGroup}.{topic}";

    /// <summary>
    /// Options from the environment: TRAINMOVER_KAFKA, TRAINMOVER_TOPIC_PREFIX, TRAINMOVER_MEMBERSHIP (sole or joined), and each TRAINMOVER_KAFKA_NAME as the librdkafka setting
    /// <c>name</c> with dots for underscores (TRAINMOVER_KAFKA_SASL_USERNAME is <c>sasl.username</c>).
    /// </summary>
    /// <param name="consumerGroup">Name of this process.</param>
    /// <exception cref="KafkaOptionsException">TRAINMOVER_KAFKA is not set, or a value is out of range.</exception>
    public static KafkaOptions FromEnvironment(string consumerGroup)
    {
        var settings = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(entry => ((string)entry.Key).StartsWith(Passed, StringComparison.Ordinal))
            .ToDictionary(entry => ((string)entry.Key)[Passed.Length..].ToLowerInvariant().Replace('_', '.'), entry => (string)entry.Value!);
        return new KafkaOptions
        {
            BootstrapServers = Environment.GetEnvironmentVariable("TRAINMOVER_KAFKA") ?? "",
            ConsumerGroup = consumerGroup,
            TopicPrefix = Environment.GetEnvironmentVariable("TRAINMOVER_TOPIC_PREFIX") ?? Topics.DefaultPrefix,
            Membership = MembershipOf(Environment.GetEnvironmentVariable("TRAINMOVER_MEMBERSHIP")),
            Settings = settings,
        }.Validate();
    }

    /// <summary>Checks every value and their relations; returns this.</summary>
    /// <exception cref="KafkaOptionsException">Names the broken rule and the value.</exception>
    public KafkaOptions Validate()
    {
        Rule(BootstrapServers.Length > 0, "BootstrapServers is empty: set TRAINMOVER_KAFKA to host:port of a broker");
        Rule(Array.TrueForAll(BootstrapServers.Split(','), server => Server().IsMatch(server.Trim())), $"BootstrapServers '{BootstrapServers}' is not a list of host:port");
        Rule(Name().IsMatch(ConsumerGroup), $"ConsumerGroup '{ConsumerGroup}' must have 1 to 100 letters, digits, '.', '_' or '-'");
        Rule(TopicPrefix.Length == 0 || Name().IsMatch(TopicPrefix), $"TopicPrefix '{TopicPrefix}' must have at most 100 letters, digits, '.', '_' or '-'");
        Rule(MaxMessageBytes is >= 1024 and <= 64 * 1024 * 1024, $"MaxMessageBytes {MaxMessageBytes} must lie between 1 KiB and 64 MiB");
        Rule(MaxLag > 0, $"MaxLag {MaxLag} must be positive");
        Rule(FetchWait > TimeSpan.Zero && FetchWait <= TimeSpan.FromSeconds(1), $"FetchWait {FetchWait} must be positive and at most 1 s");
        Rule(Deadline >= TimeSpan.FromSeconds(1) && Deadline > FetchWait, $"Deadline {Deadline} must be at least 1 s and longer than FetchWait");
        Rule(PoisonAttempts is >= 1 and <= 100, $"PoisonAttempts {PoisonAttempts} must lie between 1 and 100");
        Rule(FirstRetryDelay > TimeSpan.Zero && FirstRetryDelay <= LongestRetryDelay, $"FirstRetryDelay {FirstRetryDelay} must be positive and at most LongestRetryDelay {LongestRetryDelay}");
        Rule(MaxInFlight is >= 1 and <= 1_000_000, $"MaxInFlight {MaxInFlight} must lie between 1 and 1,000,000");
        return this;
    }

    internal TimeSpan RetryDelay(int attempt)
    {
        var delay = FirstRetryDelay.TotalMilliseconds * Math.Pow(2, Math.Min(attempt - 1, 30));
        return TimeSpan.FromMilliseconds(Math.Min(delay, LongestRetryDelay.TotalMilliseconds));
    }

    private static Membership MembershipOf(string? name) => name?.ToLowerInvariant() switch
    {
        null or "" or "sole" => Membership.Sole,
        "joined" => Membership.Joined,
        _ => throw new KafkaOptionsException($"Kafka options: TRAINMOVER_MEMBERSHIP '{name}' must be sole or joined."),
    };

    private static void Rule(bool holds, string broken)
    {
        if (!holds)
            throw new KafkaOptionsException($"Kafka options: {broken}.");
    }

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,100}$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();

    [GeneratedRegex(@"^(?:\[[0-9a-fA-F:]+\]|[^:\s\[\]]+):[0-9]{1,5}$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Server();
}

/// <summary>An option is missing or out of range; the message names the rule.</summary>
public sealed class KafkaOptionsException(string message) : Exception(message);
