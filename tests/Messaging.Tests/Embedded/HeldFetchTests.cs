using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Confluent.Kafka;
using TrainMover.Embedded;

namespace TrainMover.Messaging.Tests;

public sealed class HeldFetchTests : IDisposable
{
    private const string Topic = "t";
    private const string QuietTopic = "quiet";
    private const short Fetch = 1;

    // Where a Fetch of version 11 says how many topics it has: after the length and 35 bytes of header and fields.
    private const int TopicsAt = 4 + 35;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongerThanTheDeadline = Deadline * 2;

    private readonly EmbeddedBroker _broker = EmbeddedBroker.Start();

    public HeldFetchTests()
    {
        _broker.CreateTopic(Topic, 1);
        _broker.CreateTopic(QuietTopic, 1);
    }

    public void Dispose() => _broker.Dispose();

    [Theory]
    [InlineData(Acks.All)]
    [InlineData(Acks.None)]
    public void A_fetch_is_answered_as_soon_as_something_is_produced(Acks acks)
    {
        using var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = _broker.BootstrapServers, Acks = acks }).Build();
        using var consumer = new ConsumerBuilder<Null, string>(new ConsumerConfig
        {
            BootstrapServers = _broker.BootstrapServers,
            GroupId = "g",
            FetchWaitMaxMs = (int)LongerThanTheDeadline.TotalMilliseconds,
            // Must be longer than the wait.
            SocketTimeoutMs = (int)LongerThanTheDeadline.TotalMilliseconds * 2,
        }).Build();
        consumer.Assign(new TopicPartitionOffset(Topic, 0, Offset.Beginning));
        for (var message = 0; message < 3; message++)
        {
            consumer.Consume(TimeSpan.FromMilliseconds(200)).ShouldBeNull();
            producer.Produce(Topic, new Message<Null, string> { Value = $"{message}" });
            consumer.Consume(Deadline).ShouldNotBeNull().Message.Value.ShouldBe($"{message}");
        }
    }

    [Fact]
    public async Task A_fetch_that_finds_nothing_is_answered_when_its_time_is_over()
    {
        using var client = await ConnectAsync();
        await client.SendAsync(FetchOf(Topic, waitMs: 50));
        (await AnswerAsync(client)).ShouldBe(7);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    public async Task A_fetch_of_any_version_is_held_until_something_is_produced_to_its_topic(short version)
    {
        using var client = await ConnectAsync();
        using var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = _broker.BootstrapServers }).Build();
        await client.SendAsync(FetchOf(Topic, (int)LongerThanTheDeadline.TotalMilliseconds, version));
        var answer = AnswerAsync(client);
        await producer.ProduceAsync("another", new Message<Null, string> { Value = "m" }, TestContext.Current.CancellationToken);
        await Task.WhenAny(answer, Task.Delay(100, TestContext.Current.CancellationToken));
        answer.IsCompleted.ShouldBeFalse();
        await producer.ProduceAsync(Topic, new Message<Null, string> { Value = "m" }, TestContext.Current.CancellationToken);
        (await answer).ShouldBe(7);
    }

    [Fact]
    public async Task A_fetch_of_a_topic_that_does_not_exist_is_refused_at_once()
    {
        using var client = await ConnectAsync();
        await client.SendAsync(FetchOf("unknown", (int)LongerThanTheDeadline.TotalMilliseconds));
        (await AnswerAsync(client)).ShouldBe(7);
    }

    [Fact]
    public async Task An_outage_resets_a_client_whose_fetch_is_held()
    {
        using var client = await ConnectAsync();
        await client.SendAsync(FetchOf(Topic, (int)LongerThanTheDeadline.TotalMilliseconds));
        var answer = AnswerAsync(client);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        _broker.SetDown();
        (await Should.ThrowAsync<SocketException>(answer)).SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
    }

    public static TheoryData<string, byte[]> Broken => new()
    {
        { "no length", [0, 0, 0, 0] },
        { "a negative length", [0xff, 0xff, 0xff, 0xff] },
        { "a length of 2 GB", [0x7f, 0xff, 0xff, 0xff] },
        { "a fetch that ends too early", Framed(FetchOf(Topic, 100)[4..^20]) },
        { "a fetch of more topics than fit", Framed([.. FetchOf(Topic, 100)[4..TopicsAt], 0x7f, 0xff, 0xff, 0xff]) },
        { "no call of Kafka's", Framed([0x7f, 0, 0, 0, 0, 0, 0, 1]) },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task Whoever_does_not_speak_the_protocol_is_hung_up_on_and_others_are_served(string what, byte[] sent)
    {
        using var other = await ConnectAsync();
        using var client = await ConnectAsync();
        await client.SendAsync(sent);
        (await HangsUpAsync(client)).ShouldBeTrue(what);
        await other.SendAsync(FetchOf(Topic, waitMs: 1));
        (await AnswerAsync(other)).ShouldBe(7);
    }

    private async Task<Socket> ConnectAsync()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPAddress.Loopback, _broker.Port);
        return client;
    }

    /// <returns>The correlation id of the answer.</returns>
    private static async Task<int> AnswerAsync(Socket client)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var head = new byte[8];
        for (var got = 0; got < head.Length;)
        {
            var received = await client.ReceiveAsync(head.AsMemory(got), deadline.Token);
            received.ShouldBePositive();
            got += received;
        }

        return BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4));
    }

    private static async Task<bool> HangsUpAsync(Socket client)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            return await client.ReceiveAsync(new byte[1], deadline.Token) == 0;
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    /// <summary>A Fetch of two topics' partition 0 from its beginning, with correlation id 7.</summary>
    private static byte[] FetchOf(string topic, int waitMs, short version = 11)
    {
        return Framed(
        [
            .. Short(Fetch), .. Short(version), .. Int(7), .. Short(-1), // no client id
            .. Int(-1), .. Int(waitMs), .. Int(1), .. Int(1 << 20), 0, // replica, wait, least, most, isolation
            .. From(7, [.. Int(0), .. Int(-1)]), // session and its epoch
            .. Int(2), .. PartitionOf(QuietTopic), .. PartitionOf(topic),
            .. From(7, Int(0)), .. From(11, Short(-1)), // nothing forgotten, no rack
        ]);

        byte[] From(short first, byte[] field) => version >= first ? field : [];

        byte[] PartitionOf(string name) =>
        [
            .. Short((short)name.Length), .. Encoding.UTF8.GetBytes(name),
            .. Int(1), .. Int(0), .. From(9, Int(-1)), .. Long(0), .. From(5, Long(-1)), .. Int(1 << 20), // partition, leader epoch, offset, first offset, most
        ];
    }

    private static byte[] Framed(byte[] request) => [.. Int(request.Length), .. request];

    private static byte[] Short(short value) => [(byte)(value >> 8), (byte)value];

    private static byte[] Int(int value) => [.. Short((short)(value >> 16)), .. Short((short)value)];

    private static byte[] Long(long value) => [.. Int((int)(value >> 32)), .. Int((int)value)];
}
