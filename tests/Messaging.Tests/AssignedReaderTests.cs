using TrainMover.Contracts;
using TrainMover.Contracts.Telemetry;
using TrainMover.Embedded;
using TrainMover.Fixtures;

namespace TrainMover.Messaging.Tests;

public sealed class AssignedReaderTests(KafkaFixture kafka)
{
    private readonly KafkaOptions _options = Service.OptionsFor(kafka.BootstrapServers, KafkaFixture.TopicPrefix(typeof(AssignedReaderTests)));

    [Fact]
    public async Task From_the_beginning_it_reads_what_is_there_and_what_comes()
    {
        await using var publisher = new KafkaPublisher(_options);
        await PublishAsync(publisher, "before");
        await using var reading = new Reading(_options, StartAt.Beginning);
        (await reading.NextAsync(1)).ShouldBe(["before"]);
        await PublishAsync(publisher, "after");
        (await reading.NextAsync(1)).ShouldBe(["after"]);
    }

    [Fact]
    public async Task From_the_end_it_reads_all_that_is_published_once_it_is_ready_and_nothing_older()
    {
        await using var publisher = new KafkaPublisher(_options);
        await PublishAsync(publisher, "before");
        await using var reading = new Reading(_options, StartAt.End);
        await reading.Reader.Ready.WaitAsync(Service.Patience, TestContext.Current.CancellationToken);
        await PublishAsync(publisher, "after");
        (await reading.NextAsync(1)).ShouldBe(["after"]);
    }

    [Fact]
    public async Task With_a_key_it_passes_over_the_messages_of_others()
    {
        await using var publisher = new KafkaPublisher(_options);
        await using var reading = new Reading(_options, StartAt.End, key: "m2");
        await reading.Reader.Ready.WaitAsync(Service.Patience, TestContext.Current.CancellationToken);
        await PublishAsync(publisher, "other", machine: "m1");
        await PublishAsync(publisher, "own", machine: "m2");
        await PublishAsync(publisher, "other again", machine: "m1");
        await PublishAsync(publisher, "own again", machine: "m2");
        (await reading.NextAsync(2)).ShouldBe(["own", "own again"]);
    }

    [Fact]
    public async Task It_waits_for_a_broker_that_is_away_goes_on_where_it_was_and_tells_of_the_return()
    {
        using var broker = EmbeddedBroker.Start();
        var options = _options with { BootstrapServers = broker.BootstrapServers, Deadline = TimeSpan.FromSeconds(2) };
        await using var publisher = new KafkaPublisher(options);
        await using var reading = new Reading(options, StartAt.End);
        await reading.Reader.Ready.WaitAsync(Service.Patience, TestContext.Current.CancellationToken);
        await PublishAsync(publisher, "one");
        (await reading.NextAsync(1)).ShouldBe(["one"]);

        broker.SetDown();
        await Should.ThrowAsync<BrokerUnavailableException>(() => PublishAsync(publisher, "lost"));
        broker.SetUp();
        await PublishAsync(publisher, "two");

        (await reading.NextAsync(1)).ShouldBe(["two"]);
        await reading.Reconnected.Task.WaitAsync(Service.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task An_emptied_cluster_is_read_from_its_beginning_also_where_it_already_holds_as_much_as_before()
    {
        using var broker = EmbeddedBroker.Start();
        var options = _options with { BootstrapServers = broker.BootstrapServers };
        await using var publisher = new KafkaPublisher(options);
        await using var reading = new Reading(options, StartAt.End);
        await reading.Reader.Ready.WaitAsync(Service.Patience, TestContext.Current.CancellationToken);
        await PublishAsync(publisher, "old");
        (await reading.NextAsync(1)).ShouldBe(["old"]);

        broker.Empty();
        await PublishAsync(publisher, "new 1");
        await PublishAsync(publisher, "new 2");

        (await reading.NextAsync(2)).ShouldBe(["new 1", "new 2"]);
    }

    [Fact]
    public async Task A_reader_that_started_without_a_broker_reads_once_there_is_one()
    {
        using var broker = EmbeddedBroker.Start();
        broker.SetDown();
        var options = _options with { BootstrapServers = broker.BootstrapServers };
        await using var reading = new Reading(options, StartAt.End);
        broker.SetUp();
        await reading.Reader.Ready.WaitAsync(Service.Patience, TestContext.Current.CancellationToken);
        await using var publisher = new KafkaPublisher(options);
        await PublishAsync(publisher, "first");
        (await reading.NextAsync(1)).ShouldBe(["first"]);
    }

    private static Task PublishAsync(KafkaPublisher publisher, string id, string machine = "m1") =>
        publisher.PublishAsync(machine, publisher.Wrap(new FaultReported(machine, "79"), machine, id), TestContext.Current.CancellationToken);

    private sealed class Reading : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly Recorder _recorder = new();
        private readonly Task _task;

        public Reading(KafkaOptions options, StartAt start, string? key = null)
        {
            Reader = new AssignedReader(options, new AssignedReaderOptions
            {
                Topics = [Topics.Telemetry],
                StartAt = start,
                Key = key,
                Refresh = TimeSpan.FromMilliseconds(200),
                Reconnected = () => Reconnected.TrySetResult(),
            });
            _task = RunAsync();
        }

        public AssignedReader Reader { get; }

        public TaskCompletionSource Reconnected { get; } = new();

        public Task<string[]> NextAsync(int count) => _recorder.NextAsync(count);

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _task.WaitAsync(Service.Patience);
            _end.Dispose();
        }

        private async Task RunAsync()
        {
            await foreach (var batch in Reader.ReadAsync(_end.Token))
            {
                foreach (var message in batch)
                    await _recorder.HandleAsync(message.Envelope);
            }
        }
    }
}
