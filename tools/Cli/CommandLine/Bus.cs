using System.Runtime.CompilerServices;
using TrainMover.Contracts;
using TrainMover.Contracts.Interruptions;
using TrainMover.Messaging;

namespace TrainMover.Cli.CommandLine;

/// <summary>The command line's place on Kafka: publishes telemetry as any source would, and reads topics without a consumer group.</summary>
internal sealed class Bus : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);
    private readonly KafkaOptions _options;
    private KafkaPublisher? _publisher;

    private Bus(KafkaOptions options) => _options = options;

    public static Bus Open(Access access) => new(new KafkaOptions
    {
        BootstrapServers = access.RequireKafka(),
        ConsumerGroup = "cli",
        TopicPrefix = access.TopicPrefix,
        Deadline = Deadline,
        Settings = Access.Variable(Access.KafkaVariable) is null ? new Dictionary<string, string>() : KafkaOptions.FromEnvironment("cli").Settings,
    }.Validate());

    /// <summary>Publishes one telemetry message and waits until the broker has it.</summary>
    /// <exception cref="BrokerUnavailableException">The broker did not take it within 5 s.</exception>
    public Task PublishTelemetryAsync(string machine, object body, CancellationToken ct) => PublishAsync(machine, body, ct);

    /// <summary>Publishes an interruption as a foreign detector does, and waits until the broker has it.</summary>
    /// <exception cref="BrokerUnavailableException">The broker did not take it within 5 s.</exception>
    public Task PublishInterruptionAsync(InterruptionRaised raised, CancellationToken ct) => PublishAsync(raised.InterruptionId, raised, ct);

    private Task PublishAsync(string key, object body, CancellationToken ct)
    {
        _publisher ??= new KafkaPublisher(_options);
        return _publisher.PublishAsync(key, _publisher.Wrap(body, key), ct);
    }

    /// <summary>Whether the broker answers.</summary>
    public async Task<bool> AnswersAsync(CancellationToken ct)
    {
        try
        {
            using var cluster = new KafkaCluster(_options);
            _ = await cluster.ClusterIdAsync(ct);
            return true;
        }
        catch (BrokerUnavailableException)
        {
            return false;
        }
    }

    /// <summary>Messages of all partitions of the topics until cancelled.</summary>
    public async IAsyncEnumerable<Message> ReadAsync(IReadOnlyList<string> topics, StartAt from, [EnumeratorCancellation] CancellationToken ct)
    {
        var reader = new AssignedReader(_options, new AssignedReaderOptions { Topics = topics, StartAt = from, Refresh = TimeSpan.FromMilliseconds(500), Unreadable = (_, _) => { } });
        await foreach (var batch in reader.ReadAsync(ct))
        {
            foreach (var message in batch) yield return message;
        }
    }

    public ValueTask DisposeAsync() => _publisher?.DisposeAsync() ?? ValueTask.CompletedTask;
}
