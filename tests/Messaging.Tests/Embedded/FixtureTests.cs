using Confluent.Kafka;
using TrainMover.Fixtures;

namespace TrainMover.Messaging.Tests;

public sealed class FixtureTests(KafkaFixture kafka)
{
    [Fact]
    public void The_broker_of_the_fixture_names_itself_at_the_address_it_gives()
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = kafka.BootstrapServers }).Build();
        var broker = admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers.ShouldHaveSingleItem();
        $"{broker.Host}:{broker.Port}".ShouldBe(kafka.BootstrapServers);
    }

    [Fact]
    public void Prefixes_and_schemas_are_never_the_same_twice()
    {
        KafkaFixture.TopicPrefix(typeof(FixtureTests)).ShouldNotBe(KafkaFixture.TopicPrefix(typeof(FixtureTests)));
        PostgresFixture.NewSchema().ShouldNotBe(PostgresFixture.NewSchema());
    }
}
