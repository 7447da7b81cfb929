using TrainMover.Contracts.Telemetry;
using TrainMover.Embedded;

namespace TrainMover.Messaging.Tests;

public sealed class OutageTests : IDisposable
{
    private readonly EmbeddedBroker _broker = EmbeddedBroker.Start();
    private readonly KafkaOptions _options;

    public OutageTests() => _options = Service.OptionsFor(_broker.BootstrapServers, "outage.") with { Deadline = TimeSpan.FromSeconds(2) };

    public void Dispose() => _broker.Dispose();

    [Fact]
    public async Task A_publish_without_a_broker_fails_within_its_deadline_and_says_where_it_looked()
    {
        _broker.SetDown();
        await using var publisher = new KafkaPublisher(_options with { Deadline = TimeSpan.FromSeconds(1) });
        var failure = await Should.ThrowAsync<BrokerUnavailableException>(() => publisher.PublishAsync("m1", publisher.Wrap(new Heartbeat("m1", null, 1))));
        failure.Message.ShouldContain(_broker.BootstrapServers);
        failure.Message.ShouldContain("outage.telemetry");
    }

    [Fact]
    public async Task A_body_above_the_limit_is_not_sent()
    {
        await using var publisher = new KafkaPublisher(_options with { MaxMessageBytes = 1024 });
        var large = publisher.Wrap(new FaultReported("m1", "79", new string('x', 1024)));
        await Should.ThrowAsync<MessageTooLargeException>(() => publisher.PublishAsync("m1", large));
    }

    [Fact]
    public async Task A_consumer_outlives_an_outage_and_handles_what_was_published_after_it()
    {
        await using var service = await Service.StartAsync(_options);
        await service.PublishFaultAsync("before");
        (await service.Recorder.NextAsync(1)).ShouldBe(["before"]);

        _broker.SetDown();
        await Should.ThrowAsync<BrokerUnavailableException>(() => service.PublishFaultAsync("lost"));
        await service.StatusAsync(status => status.Detail == $"Kafka at {_broker.BootstrapServers} does not answer.");
        service.Lag.Healthy.ShouldBeFalse();

        _broker.SetUp();
        await service.PublishFaultAsync("after");
        (await service.Recorder.NextAsync(1)).ShouldBe(["after"]);
    }

    [Theory]
    [InlineData(Membership.Sole)]
    [InlineData(Membership.Joined)]
    public async Task A_service_meets_an_emptied_cluster_with_publisher_and_consumer_going_on(Membership membership)
    {
        await using var service = await Service.StartAsync(_options with { Membership = membership });
        for (var number = 0; number < 3; number++)
            await service.PublishFaultAsync($"old {number}");
        await service.Recorder.NextAsync(3);
        using var cluster = new KafkaCluster(_options);
        var before = await cluster.ClusterIdAsync(TestContext.Current.CancellationToken);
        (await cluster.ClusterIdAsync(TestContext.Current.CancellationToken)).ShouldBe(before);

        _broker.Empty();
        await service.PublishFaultAsync("new 0");
        await service.PublishFaultAsync("new 1");

        var handled = new List<string>();
        while (!handled.Contains("new 1"))
            handled.AddRange(await service.Recorder.NextAsync(1));
        handled.Distinct().ShouldBe(["new 0", "new 1"]);
        (await cluster.ClusterIdAsync(TestContext.Current.CancellationToken)).ShouldNotBe(before);
    }

    [Fact]
    public async Task A_dead_letter_that_meets_an_outage_is_there_before_the_next_message_is_handled()
    {
        var (published, down) = (new TaskCompletionSource(), new TaskCompletionSource());
        var recorder = new Recorder();
        recorder.Behaviour = async envelope =>
        {
            if (envelope.Id != "poison")
                return;
            await published.Task;
            _broker.SetDown();
            down.TrySetResult();
            throw new FormatException("cannot be");
        };
        await using var service = await Service.StartAsync(_options with { PoisonAttempts = 1, Deadline = TimeSpan.FromSeconds(2) }, recorder);
        await service.PublishFaultAsync("poison");
        published.SetResult();
        await down.Task.WaitAsync(Service.Patience, TestContext.Current.CancellationToken);
        await Should.ThrowAsync<BrokerUnavailableException>(() => service.PublishFaultAsync("lost"));
        recorder.Behaviour = _ => Task.CompletedTask;
        _broker.SetUp();
        await service.PublishFaultAsync("after");

        (await recorder.NextAsync(1)).ShouldBe(["after"]);
        (await service.DeadLettersAsync(1)).ShouldHaveSingleItem().Type.ShouldBe("trainmover.dead-letter.v1");
    }

    [Fact]
    public async Task The_cluster_id_without_a_broker_is_a_typed_error()
    {
        _broker.SetDown();
        using var cluster = new KafkaCluster(_options with { Deadline = TimeSpan.FromSeconds(1) });
        await Should.ThrowAsync<BrokerUnavailableException>(() => cluster.ClusterIdAsync());
    }
}
