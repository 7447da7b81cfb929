using Testcontainers.Kafka;
using TrainMover.Embedded;
using Xunit;

namespace TrainMover.Fixtures;

/// <summary>One broker for all tests of an assembly: TRAINMOVER_KAFKA, else a container, else the embedded broker.</summary>
public sealed class KafkaFixture : IAsyncLifetime
{
    private KafkaContainer? _container;
    private EmbeddedBroker? _embedded;

    public string BootstrapServers { get; private set; } = "";

    /// <summary>A prefix for topics that no other test class and no other run uses.</summary>
    public static string TopicPrefix(Type testClass) => $"{testClass.Name.ToLowerInvariant()}-{Guid.NewGuid():N}"[..^24] + ".";

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("TRAINMOVER_KAFKA") is { Length: > 0 } given)
        {
            BootstrapServers = given;
            Say("TRAINMOVER_KAFKA");
        }
        else if (await DockerEngine.AnswersAsync())
        {
            _container = new KafkaBuilder("apache/kafka:4.1.0").Build();
            await _container.StartAsync();
            BootstrapServers = _container.GetBootstrapAddress();
            Say("container");
        }
        else
        {
            _embedded = EmbeddedBroker.Start();
            BootstrapServers = _embedded.BootstrapServers;
            Say("embedded");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _embedded?.Dispose();
        if (_container is not null)
            await _container.DisposeAsync();
    }

    private void Say(string origin) => Console.Error.WriteLine($"Kafka: {origin}, {BootstrapServers}");
}
