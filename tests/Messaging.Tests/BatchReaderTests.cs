using Confluent.Kafka;
using TrainMover.Contracts;
using TrainMover.Contracts.DeadLetters;
using TrainMover.Contracts.Telemetry;
using TrainMover.Fixtures;

namespace TrainMover.Messaging.Tests;

public sealed class BatchReaderTests(KafkaFixture kafka)
{
    private readonly KafkaOptions _options = Service.OptionsFor(kafka.BootstrapServers, KafkaFixture.TopicPrefix(typeof(BatchReaderTests)));

    [Fact]
    public async Task It_reads_in_order_puts_aside_what_it_cannot_read_and_goes_on_after_the_last_commit()
    {
        await using var publisher = new KafkaPublisher(_options);
        using (var stranger = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = kafka.BootstrapServers, Partitioner = Partitioner.Murmur2Random }).Build())
            await stranger.ProduceAsync(_options.Topic(Topics.Telemetry), new() { Key = "m1", Value = "no json" }, TestContext.Current.CancellationToken);
        for (var number = 0; number < 50; number++)
            await PublishAsync(publisher, $"{number:00}");

        (await ReadAsync(publisher, 50)).ShouldBe(Enumerable.Range(0, 50).Select(number => $"{number:00}"));

        await PublishAsync(publisher, "next");
        (await ReadAsync(publisher, 1)).ShouldBe(["next"]);
        await using var letters = new AssignedReader(_options, new AssignedReaderOptions { Topics = [Topics.DeadLetter], StartAt = StartAt.Beginning })
            .ReadAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        (await letters.MoveNextAsync().AsTask().WaitAsync(Service.Patience, TestContext.Current.CancellationToken)).ShouldBeTrue();
        ((DeadLettered)letters.Current.ShouldHaveSingleItem().Envelope.Data).Reason.ShouldBe(DeadLetterReason.NotJson);
    }

    private static Task PublishAsync(KafkaPublisher publisher, string id) =>
        publisher.PublishAsync("m1", publisher.Wrap(new Heartbeat("m1", null, 1), "m1", id), TestContext.Current.CancellationToken);

    private async Task<List<string>> ReadAsync(KafkaPublisher publisher, int count)
    {
        var lag = new ConsumerLag();
        var reader = new BatchReader(_options, Topics.Telemetry, new DeadLetterPublisher(publisher, _options), lag, maxBatch: 20);
        var read = new List<string>();
        using var deadline = new CancellationTokenSource(Service.Patience);
        await foreach (var batch in reader.ReadAsync(deadline.Token))
        {
            batch.Messages.Count.ShouldBeLessThanOrEqualTo(20);
            read.AddRange(batch.Messages.Select(message => message.Envelope.Id));
            batch.Commit();
            if (read.Count >= count)
                break;
        }
        lag.Statuses.ShouldHaveSingleItem().Topic.ShouldBe(_options.Topic(Topics.Telemetry));
        return read;
    }
}
