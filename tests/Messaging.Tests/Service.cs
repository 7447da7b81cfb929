using System.Threading.Channels;
using Confluent.Kafka;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TrainMover.Contracts;
using TrainMover.Contracts.DeadLetters;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Messaging.Tests;

/// <summary>What a consumer of the tests met, and how it shall behave.</summary>
public sealed class Recorder
{
    public Channel<Envelope> Handled { get; } = Channel.CreateUnbounded<Envelope>();

    public Func<Envelope, Task> Behaviour { get; set; } = _ => Task.CompletedTask;

    public async Task HandleAsync(Envelope envelope)
    {
        await Behaviour(envelope);
        Handled.Writer.TryWrite(envelope);
    }

    public async Task<string[]> NextAsync(int count)
    {
        var ids = new List<string>();
        while (ids.Count < count)
            ids.Add((await Handled.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Service.Patience)).Id);
        return [.. ids];
    }
}

public sealed class RecordingConsumer(Recorder recorder) : IConsumer<Received<FaultReported>>, IConsumer<Received<Heartbeat>>
{
    public Task Consume(ConsumeContext<Received<FaultReported>> context) => recorder.HandleAsync(context.Message.Envelope);

    public Task Consume(ConsumeContext<Received<Heartbeat>> context) => recorder.HandleAsync(context.Message.Envelope);
}

/// <summary>A service that consumes telemetry, as the real ones are built, and a bare client beside it.</summary>
public sealed class Service : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly IHost _host;

    private Service(IHost host, KafkaOptions options, Recorder recorder) => (_host, Options, Recorder) = (host, options, recorder);

    public KafkaOptions Options { get; }

    public Recorder Recorder { get; }

    public KafkaPublisher Publisher => _host.Services.GetRequiredService<KafkaPublisher>();

    public ConsumerLag Lag => _host.Services.GetRequiredService<ConsumerLag>();

    public static KafkaOptions OptionsFor(string bootstrapServers, string prefix) => new()
    {
        BootstrapServers = bootstrapServers,
        ConsumerGroup = "tests",
        TopicPrefix = prefix,
        FirstRetryDelay = TimeSpan.FromMilliseconds(5),
        LongestRetryDelay = TimeSpan.FromMilliseconds(20),
        PoisonAttempts = 3,
    };

    public static async Task<Service> StartAsync(KafkaOptions options, Recorder? recorder = null, Action<MessagingBuilder>? configure = null)
    {
        recorder ??= new Recorder();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton(recorder);
        builder.Services.AddKafkaMessaging(options, messaging =>
        {
            messaging.Consume<RecordingConsumer>(Topics.Telemetry);
            configure?.Invoke(messaging);
        });
        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new Service(host, options, recorder);
    }

    public Task PublishFaultAsync(string id, string key = "m1", string code = "79") =>
        Publisher.PublishAsync(key, Publisher.Wrap(new FaultReported(key, code), key, id), TestContext.Current.CancellationToken);

    /// <summary>A stranger's client: no checks, bytes as they are.</summary>
    public async Task ProduceAsync(byte[]? body, string? key = "m1")
    {
        using var producer = new ProducerBuilder<string?, byte[]?>(new ProducerConfig { BootstrapServers = Options.BootstrapServers, MessageMaxBytes = 10_000_000 }).Build();
        await producer.ProduceAsync(Options.Topic(Topics.Telemetry), new() { Key = key, Value = body }, TestContext.Current.CancellationToken);
    }

    public async Task<Envelope[]> DeadLettersAsync(int count)
    {
        var letters = new List<Envelope>();
        var reader = new AssignedReader(Options, new AssignedReaderOptions { Topics = [Topics.DeadLetter], StartAt = StartAt.Beginning });
        using var deadline = new CancellationTokenSource(Patience);
        await foreach (var batch in reader.ReadAsync(deadline.Token))
        {
            letters.AddRange(batch.Select(message => message.Envelope));
            if (letters.Count >= count)
                return [.. letters];
        }
        throw new TimeoutException($"{letters.Count} of {count} dead letters within {Patience}.");
    }

    public async Task<LagStatus> StatusAsync(Func<LagStatus, bool> wanted)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            if (Lag.Statuses.SingleOrDefault(wanted) is { } status)
                return status;
            if (deadline.IsCancellationRequested)
                throw new TimeoutException($"Waited for a lag; last seen: {string.Join(", ", Lag.Statuses)}");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    public async Task StopAsync() => await _host.StopAsync(CancellationToken.None).WaitAsync(Patience);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_host is IAsyncDisposable host)
            await host.DisposeAsync();
    }
}
