namespace TrainMover.Messaging.Tests;

public sealed class KafkaOptionsTests
{
    private static readonly KafkaOptions Good = new() { BootstrapServers = "k1:9092,k2:9092", ConsumerGroup = "planner" };

    [Fact]
    public void Topics_and_groups_carry_the_prefix()
    {
        Good.Validate();
        Good.Topic("commands").ShouldBe("trainmover.commands");
        Good.GroupOf("commands").ShouldBe("trainmover.planner.commands");
        Good.Source.ShouldBe("/trainmover/planner");
    }

    public static TheoryData<KafkaOptions, string> Broken => new()
    {
        { Good with { BootstrapServers = "" }, "BootstrapServers" },
        { Good with { BootstrapServers = "nowhere" }, "BootstrapServers" },
        { Good with { ConsumerGroup = "a b" }, "ConsumerGroup" },
        { Good with { TopicPrefix = "a/b" }, "TopicPrefix" },
        { Good with { MaxMessageBytes = 10 }, "MaxMessageBytes" },
        { Good with { MaxLag = 0 }, "MaxLag" },
        { Good with { FetchWait = TimeSpan.Zero }, "FetchWait" },
        { Good with { Deadline = TimeSpan.FromMilliseconds(20) }, "Deadline" },
        { Good with { PoisonAttempts = 0 }, "PoisonAttempts" },
        { Good with { FirstRetryDelay = TimeSpan.FromMinutes(1) }, "FirstRetryDelay" },
        { Good with { MaxInFlight = 0 }, "MaxInFlight" },
    };

    [Theory]
    [MemberData(nameof(Broken), DisableDiscoveryEnumeration = true)]
    public void A_broken_rule_is_named(KafkaOptions options, string rule) =>
        Should.Throw<KafkaOptionsException>(options.Validate).Message.ShouldStartWith($"Kafka options: {rule}");

    [Fact]
    public void Waits_between_tries_double_up_to_the_longest()
    {
        var options = Good with { FirstRetryDelay = TimeSpan.FromMilliseconds(100), LongestRetryDelay = TimeSpan.FromMilliseconds(500) };
        Enumerable.Range(1, 5).Select(attempt => options.RetryDelay(attempt).TotalMilliseconds).ShouldBe([100, 200, 400, 500, 500]);
        options.RetryDelay(10_000).TotalMilliseconds.ShouldBe(500);
    }
}
