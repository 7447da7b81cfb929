using Confluent.Kafka;
using TrainMover.Embedded;

namespace TrainMover.Messaging.Tests;

public sealed class EmbeddedBrokerTests
{
    [Fact]
    public async Task Messages_stay_over_an_outage_and_are_gone_once_emptied_at_the_same_address()
    {
        using var broker = EmbeddedBroker.Start();
        var address = broker.BootstrapServers;
        using (var producer = Producer(address))
            await producer.ProduceAsync("t", new() { Key = "k", Value = "v" }, TestContext.Current.CancellationToken);
        Watermark(address).ShouldBe(1);

        broker.SetDown();
        using (var refused = Producer(address))
            await Should.ThrowAsync<ProduceException<string, string>>(() => refused.ProduceAsync("t", new() { Key = "k", Value = "v" }, TestContext.Current.CancellationToken));
        broker.SetUp();
        using (var producer = Producer(address))
            await producer.ProduceAsync("t", new() { Key = "k", Value = "w" }, TestContext.Current.CancellationToken);
        Watermark(address).ShouldBe(2);

        broker.Empty();
        broker.BootstrapServers.ShouldBe(address);
        using (var producer = Producer(address))
            await producer.ProduceAsync("t", new() { Key = "k", Value = "first again" }, TestContext.Current.CancellationToken);
        Watermark(address).ShouldBe(1);
    }

    [Fact]
    public void A_taken_port_is_named()
    {
        using var first = EmbeddedBroker.Start();
        var failure = Should.Throw<EmbeddedBrokerException>(() => EmbeddedBroker.Start(first.Port));
        failure.Message.ShouldContain($"{first.Port}");
    }

    [Fact]
    public async Task A_broker_as_a_process_of_its_own_tells_its_address_by_file_until_it_ends()
    {
        var folder = Directory.CreateTempSubdirectory("trainmover-test-");
        var file = Path.Combine(folder.FullName, "kafka.address");
        using var end = new CancellationTokenSource();
        var running = BrokerHost.RunAsync(file, cancellationToken: end.Token);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (!File.Exists(file))
            await Task.Delay(10, deadline.Token);
        var address = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        using (var producer = Producer(address))
            await producer.ProduceAsync("t", new() { Key = "k", Value = "v" }, TestContext.Current.CancellationToken);

        await end.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        folder.EnumerateFileSystemInfos().ShouldBeEmpty();
        folder.Delete();
    }

    private static IProducer<string, string> Producer(string address) =>
        new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = address, MessageTimeoutMs = 1000 }).SetLogHandler((_, _) => { }).Build();

    private static long Watermark(string address)
    {
        using var consumer = new ConsumerBuilder<string, string>(new ConsumerConfig { BootstrapServers = address, GroupId = "g" }).SetLogHandler((_, _) => { }).Build();
        var sum = 0L;
        for (var partition = 0; partition < 4; partition++)
            sum += consumer.QueryWatermarkOffsets(new("t", partition), TimeSpan.FromSeconds(10)).High.Value;
        consumer.Close();
        return sum;
    }
}
