using System.Diagnostics;
using System.Net.Sockets;

namespace TrainMover.Collectives.Tests.Failures;

public sealed class LostPeers
{
    public static TheoryData<string> Names => Calls.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_peer_that_dies_in_a_call_ends_every_pending_call_and_names_itself(string call)
    {
        await using var cluster = await Cluster.StartAsync(4);
        var pending = Survivors(cluster, call);
        cluster.Endpoints[1].Sever();
        var failures = await pending;

        failures.ShouldAllBe(failure => failure.SuspectMachine == "m1" && failure.SuspectRank == 1);
        failures.ShouldAllBe(failure => failure.Kind == FailureKind.PeerReset || failure.Kind == FailureKind.ReportedByPeer);
        foreach (var rank in new[] { 0, 2, 3 })
        {
            cluster.Groups[rank].State.ShouldBe(GroupState.Failed);
            Should.Throw<CollectiveException>(cluster.Groups[rank].DataParallel.Barrier).Failure.ShouldBeSameAs(cluster.Groups[rank].Failure);
        }
    }

    [Fact]
    public async Task An_order_ends_calls_on_every_member_and_the_first_cause_stays()
    {
        await using var cluster = await Cluster.StartAsync(3);
        var pending = Survivors(cluster, "sum");
        var order = new GroupFailure(FailureKind.Ordered, 1, "m1", "The leaver is dead.", Stopwatch.GetTimestamp());
        cluster.Groups[0].Fail(order);
        cluster.Groups[0].Fail(order with { Detail = "Again." });
        var failures = await pending;
        failures[0].ShouldBeSameAs(order);
        failures[1].Kind.ShouldBe(FailureKind.ReportedByPeer);
        failures[1].SuspectMachine.ShouldBe("m1");
        failures[1].Detail.ShouldBe("m0 reports Ordered: The leaver is dead.");
    }

    [Fact]
    public async Task A_failure_is_raised_once()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var raised = new TaskCompletionSource<GroupFailure>();
        var times = 0;
        cluster.Groups[1].Failed += failure =>
        {
            Interlocked.Increment(ref times);
            raised.TrySetResult(failure);
        };
        cluster.Groups[0].Fail(new GroupFailure(FailureKind.Ordered, null, null, "Over.", 0));
        (await raised.Task.WaitAsync(Cluster.Patience)).ShouldBeSameAs(cluster.Groups[1].Failure);
        cluster.Groups[1].Fail(new GroupFailure(FailureKind.Ordered, null, null, "Over again.", 0));
        Volatile.Read(ref times).ShouldBe(1);
    }

    [Fact]
    public async Task A_rank_that_never_comes_is_found_by_the_deadline_of_the_call()
    {
        var options = new CollectivesOptions { CallDeadline = TimeSpan.FromMilliseconds(1500), PeerSilence = TimeSpan.FromMilliseconds(1400) };
        await using var cluster = await Cluster.StartAsync(2, options: options);
        var failure = await Cluster.OnThread(() => Should.Throw<CollectiveException>(cluster.Groups[0].DataParallel.Barrier).Failure);
        failure.Kind.ShouldBe(FailureKind.DeadlineExceeded);
        failure.SuspectMachine.ShouldBe("m1");
    }

    [Fact]
    public async Task A_member_that_leaves_in_order_is_no_failure()
    {
        await using var cluster = await Cluster.StartAsync(3);
        await cluster.OnAllAsync(group => group.Barrier());
        await cluster.Groups[1].DisposeAsync();
        await cluster.Endpoints[1].DisposeAsync();
        cluster.Groups[0].Failure.ShouldBeNull();
        cluster.Groups[2].Failure.ShouldBeNull();
        Should.Throw<ObjectDisposedException>(cluster.Groups[1].DataParallel.Barrier);
    }

    [Fact]
    public async Task A_peer_that_is_cut_off_is_found_by_its_silence()
    {
        await using var proxy = new SwallowingProxy();

        // A peer that is cut off before its first heart-beat came through is found by the deadline of the set-up, not by its silence.
        var options = new CollectivesOptions { PeerSilence = TimeSpan.FromMilliseconds(1500), SetupDeadline = TimeSpan.FromSeconds(5) };
        await using var m0 = Endpoint.Listen("m0", System.Net.IPAddress.Loopback, 0, options);
        await using var m1 = Endpoint.Listen("m1", System.Net.IPAddress.Loopback, 0, options);
        await using var m2 = Endpoint.Listen("m2", System.Net.IPAddress.Loopback, 0, options);
        proxy.ForwardTo(m2.Port);
        Endpoint[] endpoints = [m0, m1, m2];
        var ports = new[] { m0.Port, m1.Port, proxy.Port };
        var topology = new Topology("job", 1, [.. ports.Select((port, rank) => new Member(rank, $"m{rank}", "127.0.0.1", port))], Cluster.Key);
        var groups = await Task.WhenAll(endpoints.Select(endpoint => endpoint.CreateGroupsAsync(topology, Cluster.Deadline())));
        await Task.WhenAll(groups.Select(group => Cluster.OnThread(() =>
        {
            group.DataParallel.Barrier();
            return true;
        }))).WaitAsync(Cluster.Patience);

        proxy.Swallow();
        var failures = await Task.WhenAll(groups.Take(2).Select(group => Cluster.OnThread(() => Should.Throw<CollectiveException>(group.DataParallel.Barrier).Failure)))
            .WaitAsync(Cluster.Patience);

        failures.ShouldAllBe(failure => failure.SuspectMachine == "m2");
        failures.ShouldContain(failure => failure.Kind == FailureKind.PeerSilent);
    }

    [Fact]
    public async Task A_peer_that_has_not_begun_to_speak_is_not_silent()
    {
        var options = new CollectivesOptions { HeartbeatInterval = TimeSpan.FromMilliseconds(20), PeerSilence = TimeSpan.FromMilliseconds(100), Lifelines = false };
        await using var loop = new BootstrapLoop("m0", options);
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        using var peer = new TcpClient();
        await peer.ConnectAsync((System.Net.IPEndPoint)listener.LocalEndpoint);
        var link = new BootstrapLink(await listener.AcceptSocketAsync(), new Member(1, "m1", "127.0.0.1", 1), loop);
        var losses = new Losses();
        link.Attach(1, losses);
        loop.Add(link);

        await Task.Delay(options.PeerSilence * 6);
        link.IsLost.ShouldBeFalse();
        await peer.GetStream().WriteAsync(LinkFrame.Encode(LinkFrameKind.Heartbeat, 0, []));
        (await losses.First.WaitAsync(Cluster.Patience)).ShouldBe(FailureKind.PeerSilent);
    }

    /// <summary>All ranks but 1 enter the call; returns once they have, with what they will end in.</summary>
    internal static async Task<GroupFailure[]> Survivors(Cluster cluster, string call)
    {
        var groups = cluster.Groups.Where(group => group.Ranks[0] != 1).ToList();
        using var entered = new CountdownEvent(groups.Count);
        var pending = groups.Select(group => Cluster.OnThread(() =>
        {
            entered.Signal();
            return Should.Throw<CollectiveException>(() => Calls.Run(call, group.DataParallel)).Failure;
        })).ToList();
        entered.Wait(Cluster.Patience).ShouldBeTrue();
        return await Task.WhenAll(pending).WaitAsync(Cluster.Patience);
    }

    private sealed class Losses : ILinkObserver
    {
        private readonly TaskCompletionSource<FailureKind> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<FailureKind> First => _first.Task;

        public void OnFrame(BootstrapLink link, LinkFrameKind kind, byte[] payload)
        {
        }

        public void OnLost(BootstrapLink link, FailureKind kind, string detail) => _first.TrySetResult(kind);
    }
}
