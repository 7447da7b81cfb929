using System.Net;
using System.Net.Sockets;

namespace TrainMover.Collectives.Tests.Handshakes;

public sealed class Strangers
{
    private static readonly CollectivesOptions Quick = new() { HandshakeDeadline = TimeSpan.FromMilliseconds(200), SetupDeadline = TimeSpan.FromMilliseconds(900), JoinerPatience = TimeSpan.FromMilliseconds(900) };

    public static TheoryData<string> Words => ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "TMSH\u0001\u0000", new string('x', 5000), ""];

    [Theory]
    [MemberData(nameof(Words))]
    public async Task Whoever_says_no_hello_gets_a_closed_socket_and_nothing_else_happens(string word)
    {
        await using var cluster = await Cluster.StartAsync(2, options: new CollectivesOptions { HandshakeDeadline = TimeSpan.FromMilliseconds(500) });
        var before = cluster.Endpoints[0].RejectedHandshakes;
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(IPAddress.Loopback, cluster.Endpoints[0].Port);
        await stranger.GetStream().WriteAsync(System.Text.Encoding.Latin1.GetBytes(word));
        (await ReadToTheEndAsync(stranger)).ShouldBe(0);
        await Bounded.UntilAsync(() => cluster.Endpoints[0].RejectedHandshakes > before, "the rejection to be counted");
        cluster.Endpoints[0].RejectedHandshakes.ShouldBe(before + 1);
        await cluster.ShouldSumAsync();
    }

    [Fact]
    public async Task Strangers_that_say_half_a_hello_and_stay_keep_nobody_waiting()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 1);
        var strangers = Enumerable.Range(0, 40).Select(_ => new TcpClient()).ToList();
        foreach (var (stranger, index) in strangers.Select((stranger, index) => (stranger, index)))
        {
            await stranger.ConnectAsync(IPAddress.Loopback, cluster.Endpoints[index % 4].Port);
            await stranger.GetStream().WriteAsync("TMSH\u0040"u8.ToArray());
        }

        var to = cluster.Replacing(1, 3);
        await cluster.SwitchAsync(to, await cluster.PrepareAsync(to));
        await cluster.ShouldSumAsync();
        strangers.ForEach(stranger => stranger.Dispose());
        await Bounded.UntilAsync(() => cluster.Endpoints.Sum(endpoint => endpoint.RejectedHandshakes) == strangers.Count, "the strangers to be counted");
    }

    [Fact]
    public async Task A_listener_that_takes_connections_and_says_nothing_ends_the_set_up_at_its_deadline()
    {
        await using var m0 = Endpoint.Listen("m0", IPAddress.Loopback, 0, Quick);
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        var silent = new Member(1, "m1", "127.0.0.1", ((IPEndPoint)mute.LocalEndpoint).Port);
        var topology = new Topology("job", 1, [new Member(0, "m0", "127.0.0.1", m0.Port), silent], Cluster.Key);
        var failed = await Should.ThrowAsync<GroupSetupException>(() => m0.CreateGroupsAsync(topology, Cluster.Deadline()));
        failed.Message.ShouldContain("was not set up within 0.9 s");
    }

    [Fact]
    public async Task Another_key_does_not_come_in()
    {
        await using var m0 = Endpoint.Listen("m0", IPAddress.Loopback, 0, Quick);
        await using var m1 = Endpoint.Listen("m1", IPAddress.Loopback, 0, Quick);
        var topology = Of(1, m0, m1);
        var forged = new Topology("job", 1, topology.Members, new byte[Topology.KeyBytes]);
        await ShouldNotMeetAsync(m0.CreateGroupsAsync(forged, Cluster.Deadline()), m1.CreateGroupsAsync(topology, Cluster.Deadline()));
        m1.RejectedHandshakes.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Another_generation_does_not_come_in()
    {
        await using var m0 = Endpoint.Listen("m0", IPAddress.Loopback, 0, Quick);
        await using var m1 = Endpoint.Listen("m1", IPAddress.Loopback, 0, Quick);
        await ShouldNotMeetAsync(m0.CreateGroupsAsync(Of(1, m0, m1), Cluster.Deadline()), m1.CreateGroupsAsync(Of(2, m0, m1), Cluster.Deadline()));
        m1.RejectedHandshakes.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Another_view_of_the_members_does_not_come_in()
    {
        await using var m0 = Endpoint.Listen("m0", IPAddress.Loopback, 0, Quick);
        await using var m1 = Endpoint.Listen("m1", IPAddress.Loopback, 0, Quick);
        var topology = Of(1, m0, m1);
        var other = new Topology("job", 1, [topology[0] with { Host = "localhost" }, topology[1]], Cluster.Key);
        await ShouldNotMeetAsync(m0.CreateGroupsAsync(topology, Cluster.Deadline()), m1.CreateGroupsAsync(other, Cluster.Deadline()));
    }

    [Fact]
    public async Task A_rank_that_is_somebody_elses_does_not_come_in()
    {
        await using var m0 = Endpoint.Listen("m0", IPAddress.Loopback, 0, Quick);
        await using var m1 = Endpoint.Listen("m1", IPAddress.Loopback, 0, Quick);
        var others = new Topology("job", 1, [new Member(0, "m1", "127.0.0.1", m1.Port)], Cluster.Key);
        await Should.ThrowAsync<ArgumentException>(() => m0.CreateGroupsAsync(others, Cluster.Deadline()));

        var membership = new Membership(null, Of(1, m0, m1), "m1");
        var peer = new Member(1, "m1", "127.0.0.1", m1.Port);
        var dialer = new Membership(null, Of(1, m0, m1), "m0");
        var hello = dialer.HelloTo(peer, dialer.LinkWith(peer));
        membership.Admits(hello).ShouldBeTrue();
        membership.Admits(hello with { FromMachine = "m7" }).ShouldBeFalse();
        membership.Admits(hello with { ToMachine = "m0" }).ShouldBeFalse();
        foreach (var wrong in new[]
        {
            hello.Name with { FromRank = 1 },
            hello.Name with { ToRank = 0 },
            hello.Name with { FromRank = -1 },
            hello.Name with { Purpose = (ConnectionPurpose)9 },
            hello.Name with { Purpose = ConnectionPurpose.RingEdge, FromRank = 1 },
            hello.Name with { Purpose = ConnectionPurpose.RingEdge, Channel = 1 },
            hello.Name with { Purpose = ConnectionPurpose.RingEdge, Group = new GroupId(GroupKind.Stages, 0) },
            hello.Name with { Purpose = ConnectionPurpose.StandingEdge },
            hello.Name with { Channel = 1 },
        })
            membership.Admits(hello with { Name = wrong }).ShouldBeFalse(wrong.ToString());
        membership.Admits(hello with { Name = hello.Name with { Purpose = ConnectionPurpose.RingEdge } }).ShouldBeTrue();
        membership.Admits(hello with { Name = hello.Name with { Purpose = ConnectionPurpose.Lifeline } }).ShouldBeTrue();
    }

    [Fact]
    public async Task A_connection_of_a_plan_that_is_held_is_none_of_the_plan_that_is_carried_out()
    {
        await using var m0 = Endpoint.Listen("m0", IPAddress.Loopback, 0, Quick);
        await using var m1 = Endpoint.Listen("m1", IPAddress.Loopback, 0, Quick);
        var from = new Topology("job", 1, [new Member(0, "m0", "127.0.0.1", m0.Port), new Member(1, "m2", "127.0.0.1", 1)], Cluster.Key);
        var to = Of(2, m0, m1);
        var peer = to[1];
        var (held, dialer) = (new Membership(from, to, "m1", isStanding: true), new Membership(from, to, "m0", isStanding: true));
        var edge = dialer.Part.Added.First(edge => edge.FromMachine == "m0");
        var (early, late) = (dialer.HelloTo(peer, dialer.NameOf(edge)), dialer.HelloTo(peer, dialer.CarriedOut().NameOf(edge)));

        (held.Admits(early), held.Admits(late), held.Admits(dialer.HelloTo(peer, dialer.LinkWith(peer)))).ShouldBe((true, false, false));
        (held.CarriedOut().Admits(early), held.CarriedOut().Admits(late)).ShouldBe((false, true));
        (early.Key, late.Key).ShouldBe((held.Key, held.CarriedOut().Key));
    }

    [Fact]
    public async Task A_peer_that_dials_early_waits_and_is_not_rejected()
    {
        await using var m0 = Endpoint.Listen("m0", IPAddress.Loopback);
        await using var m1 = Endpoint.Listen("m1", IPAddress.Loopback);
        var topology = Of(1, m0, m1);
        var first = m0.CreateGroupsAsync(topology, Cluster.Deadline());
        await Bounded.UntilAsync(() => m1.ParkedVisitors == 3, "all connections of m0 to wait");
        await Task.WhenAll(first, m1.CreateGroupsAsync(topology, Cluster.Deadline())).WaitAsync(Cluster.Patience);
        m1.RejectedHandshakes.ShouldBe(0);
    }

    private static Topology Of(int generation, Endpoint m0, Endpoint m1) =>
        new("job", generation, [new Member(0, "m0", "127.0.0.1", m0.Port), new Member(1, "m1", "127.0.0.1", m1.Port)], Cluster.Key);

    private static async Task ShouldNotMeetAsync(params Task<MachineGroups>[] creations)
    {
        foreach (var creation in creations)
            await Should.ThrowAsync<GroupSetupException>(() => creation);
    }

    private static async Task<int> ReadToTheEndAsync(TcpClient client)
    {
        try
        {
            return await client.GetStream().ReadAsync(new byte[100], Cluster.Deadline());
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
