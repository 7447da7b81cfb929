using System.Text;
using TrainMover.Contracts.DeadLetters;
using TrainMover.Contracts.Telemetry;
using TrainMover.Fixtures;

namespace TrainMover.Messaging.Tests;

public sealed class ConsumerTests(KafkaFixture kafka)
{
    private readonly KafkaOptions _options = Service.OptionsFor(kafka.BootstrapServers, KafkaFixture.TopicPrefix(typeof(ConsumerTests)));

    [Fact]
    public async Task Messages_of_a_key_are_handled_in_the_order_of_their_publication()
    {
        await using var service = await Service.StartAsync(_options);
        string[] keys = ["m0", "m1", "m2"];
        for (var number = 0; number < 20; number++)
        {
            foreach (var key in keys)
                await service.PublishFaultAsync($"{key}-{number:00}", key);
        }

        var handled = await service.Recorder.NextAsync(60);

        foreach (var key in keys)
            handled.Where(id => id.StartsWith(key, StringComparison.Ordinal)).ShouldBe(Enumerable.Range(0, 20).Select(number => $"{key}-{number:00}"));
    }

    [Fact]
    public async Task The_consumer_is_handed_body_and_attributes_of_the_type_it_asked_for()
    {
        await using var service = await Service.StartAsync(_options);
        var fault = service.Publisher.Wrap(new FaultReported("m1", "79"), "m1") with { CorrelationId = "c", Generation = 2, Sequence = 9 };
        await service.Publisher.PublishAsync("m1", service.Publisher.Wrap(new MaintenanceScheduled("m1", "nobody asked for it"), "m1"), TestContext.Current.CancellationToken);
        await service.Publisher.PublishAsync("m1", fault, TestContext.Current.CancellationToken);
        var beat = service.Publisher.Wrap(new Heartbeat("m1", 7, 1), "m1");
        await service.Publisher.PublishAsync("m1", beat, TestContext.Current.CancellationToken);

        (await service.Recorder.Handled.Reader.ReadAsync(TestContext.Current.CancellationToken)).ShouldBe(fault);
        (await service.Recorder.Handled.Reader.ReadAsync(TestContext.Current.CancellationToken)).ShouldBe(beat);
    }

    [Fact]
    public async Task A_transient_fault_is_retried_beyond_the_limit_of_poison_and_keeps_the_order()
    {
        var tries = 0;
        var recorder = new Recorder
        {
            Behaviour = envelope => envelope.Id == "first" && ++tries < 8 ? throw new InvalidOperationException("wrapped", new TimeoutException("the database is away")) : Task.CompletedTask,
        };
        await using var service = await Service.StartAsync(_options, recorder);
        await service.PublishFaultAsync("first");
        await service.PublishFaultAsync("second");

        (await recorder.NextAsync(2)).ShouldBe(["first", "second"]);
        tries.ShouldBe(8);
    }

    [Fact]
    public async Task What_fails_the_same_way_each_time_is_put_aside_as_poison_and_the_consumer_goes_on()
    {
        var tries = 0;
        var recorder = new Recorder
        {
            Behaviour = envelope =>
            {
                if (envelope.Id != "poison")
                    return Task.CompletedTask;
                tries++;
                throw new FormatException("cannot be");
            },
        };
        await using var service = await Service.StartAsync(_options, recorder);
        await service.PublishFaultAsync("poison");
        await service.PublishFaultAsync("after");

        (await recorder.NextAsync(1)).ShouldBe(["after"]);
        tries.ShouldBe(3);
        var letter = (DeadLettered)(await service.DeadLettersAsync(1)).ShouldHaveSingleItem().Data;
        letter.Reason.ShouldBe(DeadLetterReason.Poison);
        letter.Detail.ShouldBe("FormatException: cannot be");
    }

    [Fact]
    public async Task Each_unreadable_message_becomes_one_dead_letter_with_its_reason_and_place_and_the_consumer_goes_on()
    {
        var options = _options with { MaxMessageBytes = 4096 };
        await using var service = await Service.StartAsync(options);
        const string head = """{"specversion":"1.0","id":"1","source":"/s","type":""";
        (byte[]? Body, DeadLetterReason Reason)[] strange =
        [
            ("no json \u00e9"u8.ToArray(), DeadLetterReason.NotJson),
            (null, DeadLetterReason.NotJson),
            (Encoding.UTF8.GetBytes(head), DeadLetterReason.Truncated),
            ("{}"u8.ToArray(), DeadLetterReason.NotACloudEvent),
            (Encoding.UTF8.GetBytes(head + "\"weather.v1\"}"), DeadLetterReason.UnknownType),
            (Encoding.UTF8.GetBytes(head + "\"trainmover.telemetry.heartbeat.v9\",\"data\":{}}"), DeadLetterReason.UnsupportedVersion),
            (Encoding.UTF8.GetBytes(head + "\"trainmover.telemetry.heartbeat.v1\",\"data\":{}}"), DeadLetterReason.SchemaViolation),
            (Encoding.UTF8.GetBytes(new string('x', 2_000_000)), DeadLetterReason.TooLarge),
        ];
        foreach (var (body, _) in strange)
            await service.ProduceAsync(body);
        await service.PublishFaultAsync("good");

        (await service.Recorder.NextAsync(1)).ShouldBe(["good"]);
        var letters = (await service.DeadLettersAsync(strange.Length)).Select(letter => (DeadLettered)letter.Data).ToArray();
        letters.Select(letter => letter.Reason).ShouldBe(strange.Select(one => one.Reason));
        letters.Select(letter => letter.FirstBytes).ShouldBe(strange.Select(one => Convert.ToBase64String((one.Body ?? []).Take(1024).ToArray())));
        letters.Select(letter => letter.Offset).ShouldBe(Enumerable.Range(0, strange.Length).Select(offset => (long)offset));
        letters.ShouldAllBe(letter => letter.Topic == options.Topic("telemetry") && letter.Key == "m1" && letter.Consumer == options.GroupOf("telemetry"));
    }

    [Theory]
    [InlineData(Membership.Sole)]
    [InlineData(Membership.Joined)]
    public async Task A_restarted_service_goes_on_after_the_last_committed_message(Membership membership)
    {
        var committed = new List<string>();
        var options = _options with { Membership = membership };
        await using (var first = await Service.StartAsync(options, configure: messaging => messaging.BeforeOffsetCommit = committed.Add))
        {
            await first.PublishFaultAsync("one");
            await first.PublishFaultAsync("two");
            await first.Recorder.NextAsync(2);
        }
        committed.ShouldBe(["trainmover.telemetry.fault-reported.v1", "trainmover.telemetry.fault-reported.v1"]);

        await using var second = await Service.StartAsync(options);
        await second.PublishFaultAsync("three");
        (await second.Recorder.NextAsync(1)).ShouldBe(["three"]);
    }

    [Fact]
    public async Task A_message_that_was_not_brought_to_its_end_comes_again_after_a_restart()
    {
        var reached = new TaskCompletionSource();
        var recorder = new Recorder
        {
            Behaviour = _ =>
            {
                reached.TrySetResult();
                throw new TimeoutException("away");
            },
        };
        await using (var first = await Service.StartAsync(_options, recorder))
        {
            await first.PublishFaultAsync("again");
            await reached.Task.WaitAsync(Service.Patience, TestContext.Current.CancellationToken);
        }

        await using var second = await Service.StartAsync(_options);
        (await second.Recorder.NextAsync(1)).ShouldBe(["again"]);
    }

    [Fact]
    public async Task A_consumer_that_is_stuck_or_far_behind_reads_as_unhealthy_until_it_caught_up()
    {
        var gate = new TaskCompletionSource();
        await using var service = await Service.StartAsync(_options with { MaxLag = 3 }, new Recorder { Behaviour = _ => gate.Task });
        for (var number = 0; number < 6; number++)
            await service.PublishFaultAsync($"{number}");

        var stuck = await service.StatusAsync(status => status.Lag == 6);
        stuck.Healthy.ShouldBeFalse();
        stuck.Detail.ShouldContain("Stuck on offset 0");
        service.Lag.Healthy.ShouldBeFalse();

        gate.SetResult();
        await service.Recorder.NextAsync(6);
        (await service.StatusAsync(status => status.Healthy)).ShouldBe(new LagStatus(service.Options.Topic("telemetry"), service.Options.GroupOf("telemetry"), 0, Healthy: true, "0 messages behind."));
    }
}
