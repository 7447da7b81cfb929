using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Confluent.Kafka;
using TrainMover.Contracts;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Live.Sources;
using TrainMover.Messaging;
using TrainMover.Telemetry.Devices;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Cli.Bench.Ingest;

/// <summary>
/// A process of the measurement, which says how far it came: reads telemetry as the Detector does, or as a bare client that parses and does nothing else. Parsing is reading into objects, or
/// the least that there is: going over the tokens and keeping nothing.
/// </summary>
internal sealed class IngestReader(string kafka, string prefix, string group)
{
    public const string Detector = "detector";
    public const string Objects = "bare, into objects";
    public const string Tokens = "bare, tokens alone";

    private const int Report = 1000;
    private static readonly JsonSerializerOptions Plain = new(JsonSerializerDefaults.Web);

    private long _messages;
    private long _reportedAt;

    /// <summary>Reads until cancelled.</summary>
    public Task RunAsync(string kind, CancellationToken ct) => kind == Detector ? ReadAsDetectorAsync(ct) : Task.Run(() => ReadBare(kind == Tokens ? Walk : Bind, ct), CancellationToken.None);

    private async Task ReadAsDetectorAsync(CancellationToken ct)
    {
        var options = new KafkaOptions { BootstrapServers = kafka, ConsumerGroup = group, TopicPrefix = prefix };
        await using var publisher = new KafkaPublisher(options);
        var window = new SourceWindow(ErrorCodePolicy.Default, new DeviceDetectorOptions());
        var reader = new BatchReader(options, Topics.Telemetry, new DeadLetterPublisher(publisher, options), new ConsumerLag());
        await foreach (var batch in reader.ReadAsync(ct))
        {
            foreach (var message in batch.Messages)
            {
                if (window.Take(message.Envelope.Source, message.Envelope.Id, message.Envelope.Data, TimeProvider.System.GetUtcNow()).Count > 0) throw new InvalidOperationException("A fleet that is well gave a finding.");
            }

            batch.Commit();
            Count(batch.Messages.Count);
        }
    }

    private static bool Bind(byte[] body) => JsonSerializer.Deserialize<BareEvent>(body, Plain)?.Data is not null;

    private static bool Walk(byte[] body)
    {
        var reader = new Utf8JsonReader(body);
        while (reader.Read())
        {
            // The tokens are all that is wanted.
        }

        return reader.BytesConsumed > 0;
    }

    private void ReadBare(Func<byte[], bool> parse, CancellationToken ct)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = kafka,
            GroupId = group,
            EnableAutoCommit = false,
            AutoOffsetReset = AutoOffsetReset.Earliest,
        }).Build();
        consumer.Subscribe(prefix + Topics.Telemetry);
        while (!ct.IsCancellationRequested)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } consumed) continue;
            if (!parse(consumed.Message.Value)) throw new InvalidOperationException("A message has no data.");
            Count(1);
        }

        consumer.Close();
    }

    // MESSAGES TICKS CPU-MILLISECONDS HEAP-BYTES RESIDENT-BYTES ALLOCATED-BYTES
    private void Count(int more)
    {
        _messages += more;
        if (_messages < _reportedAt + Report) return;
        _reportedAt = _messages;
        using var self = Process.GetCurrentProcess();
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{_messages} {Stopwatch.GetTimestamp()} {self.TotalProcessorTime.TotalMilliseconds:0} {GC.GetTotalMemory(forceFullCollection: false)} {self.WorkingSet64} {GC.GetTotalAllocatedBytes()}"));
    }

    private sealed record BareEvent(string SpecVersion, string Id, string Source, string Type, string? Subject, DateTimeOffset? Time, string? DataContentType, DeviceMetricsTaken Data);
}
