using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using TrainMover.Contracts;

namespace TrainMover.Cli.CommandLine;

/// <summary>A message of any topic as the command line sees it.</summary>
/// <param name="Topic">Topic without prefix.</param>
/// <param name="Id">CloudEvents id.</param>
/// <param name="Body">Its body; null when this version does not know the type.</param>
internal sealed record BusMessage(string Topic, string Id, object? Body);

/// <summary>The command line's place on Kafka: publishes telemetry as any source would, and reads topics without a consumer group.</summary>
internal sealed class Bus : IAsyncDisposable
{
    private const string ContentType = "application/cloudevents+json; charset=UTF-8";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);
    private readonly string _bootstrap;
    private readonly string _prefix;

    private Bus(string bootstrap, string prefix) => (_bootstrap, _prefix) = (bootstrap, prefix);

    public static Bus Open(Access access) => new(access.RequireKafka(), access.TopicPrefix);

    /// <summary>Publishes one telemetry message and waits until the broker has it.</summary>
    /// <exception cref="BrokerSilentException">The broker did not take it within 5 s.</exception>
    public async Task PublishTelemetryAsync(string machine, object body, CancellationToken ct)
    {
        var envelope = new JsonObject
        {
            ["specversion"] = "1.0",
            ["id"] = Guid.CreateVersion7().ToString(),
            ["source"] = "trainmover/cli",
            ["type"] = Catalog.Of(body.GetType()).Name,
            ["subject"] = machine,
            ["time"] = TimeProvider.System.GetUtcNow().ToString("O"),
            ["datacontenttype"] = "application/json",
            ["data"] = JsonSerializer.SerializeToNode(body, body.GetType(), Catalog.Json),
        };
        var settings = new ProducerConfig
        {
            BootstrapServers = _bootstrap, LingerMs = 0, EnableIdempotence = true, MessageTimeoutMs = (int)Deadline.TotalMilliseconds,
        };
        using var producer = new ProducerBuilder<string, string>(settings).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        var headers = new Headers { { "content-type", Encoding.UTF8.GetBytes(ContentType) } };
        try
        {
            await producer.ProduceAsync(_prefix + Topics.Telemetry, new Message<string, string> { Key = machine, Value = envelope.ToJsonString(), Headers = headers }, ct);
        }
        catch (ProduceException<string, string> exception)
        {
            throw new BrokerSilentException(_bootstrap, exception);
        }
    }

    /// <summary>Whether the broker answers.</summary>
    public bool Answers()
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _bootstrap }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        try
        {
            return admin.GetMetadata(TimeSpan.FromSeconds(2)).Brokers.Count > 0;
        }
        catch (KafkaException)
        {
            return false;
        }
    }

    /// <summary>Messages of all partitions of the topics until cancelled; topics that appear later are picked up by the broker creating them now.</summary>
    public async IAsyncEnumerable<BusMessage> ReadAsync(IReadOnlyList<string> topics, bool fromBeginning, [EnumeratorCancellation] CancellationToken ct)
    {
        var settings = new ConsumerConfig
        {
            BootstrapServers = _bootstrap, GroupId = "trainmover-cli", EnableAutoCommit = false, FetchWaitMaxMs = 10, AllowAutoCreateTopics = true,
            AutoOffsetReset = fromBeginning ? AutoOffsetReset.Earliest : AutoOffsetReset.Latest,
        };
        using var consumer = new ConsumerBuilder<string, byte[]>(settings).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        await Task.Run(() => Assign(consumer, topics, fromBeginning), ct);
        try
        {
            while (!ct.IsCancellationRequested)
            {
                var result = await Task.Run(() => Next(consumer), CancellationToken.None);
                if (result is not null && Read(result) is { } message) yield return message;
            }
        }
        finally
        {
            consumer.Close();
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static ConsumeResult<string, byte[]>? Next(IConsumer<string, byte[]> consumer)
    {
        try
        {
            return consumer.Consume(TimeSpan.FromMilliseconds(100));
        }
        catch (ConsumeException)
        {
            return null;
        }
    }

    private void Assign(IConsumer<string, byte[]> consumer, IReadOnlyList<string> topics, bool fromBeginning)
    {
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var partitions = new List<TopicPartitionOffset>();
        try
        {
            foreach (var topic in topics)
            {
                var metadata = admin.GetMetadata(_prefix + topic, Deadline).Topics.Single();
                partitions.AddRange(metadata.Partitions.Select(partition =>
                    new TopicPartitionOffset(metadata.Topic, partition.PartitionId, fromBeginning ? Offset.Beginning : Offset.End)));
            }
        }
        catch (KafkaException exception)
        {
            throw new BrokerSilentException(_bootstrap, exception);
        }

        consumer.Assign(partitions);
    }

    private BusMessage? Read(ConsumeResult<string, byte[]> result)
    {
        try
        {
            using var document = JsonDocument.Parse(result.Message.Value);
            var envelope = document.RootElement;
            var entry = Catalog.Find(envelope.GetProperty("type").GetString() ?? "");
            var body = entry is null ? null : envelope.GetProperty("data").Deserialize(entry.ClrType, Catalog.Json);
            return new BusMessage(result.Topic[_prefix.Length..], envelope.GetProperty("id").GetString() ?? "", body);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // The services record unreadable messages as dead letters; here they are of no interest.
            return null;
        }
    }
}

/// <summary>The broker does not answer.</summary>
internal sealed class BrokerSilentException(string bootstrap, Exception inner)
    : Exception($"Kafka at {bootstrap} does not answer: start it with ./trainmover up, or check {Access.KafkaVariable}.", inner);
