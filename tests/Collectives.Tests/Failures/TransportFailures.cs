using System.Diagnostics;
using TrainMover.Collectives.Tests.Rings;

namespace TrainMover.Collectives.Tests.Failures;

public sealed class TransportFailures
{
    private static readonly string[] Transports = ["sockets, trees", "both", "both, trees"];

    public static TheoryData<string, string> LostMachine
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var transport in Transports)
                foreach (var call in Calls.Names)
                    data.Add(transport, call);
            return data;
        }
    }

    public static TheoryData<string> Names => Calls.Names;

    [Theory]
    [MemberData(nameof(LostMachine))]
    public async Task A_machine_that_dies_in_a_call_ends_it_for_all_ranks_on_all_transports(string transport, string call)
    {
        await using var cluster = await Transport.StartAsync(transport, 4);
        var failures = await WithoutAsync(cluster, call, rank => cluster.Topology[rank].Machine == "m1", cluster.Endpoints[1].Sever);
        failures.ShouldAllBe(failure => failure.SuspectMachine == "m1");
        failures.ShouldAllBe(failure => failure.Kind == FailureKind.PeerReset || failure.Kind == FailureKind.ReportedByPeer);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task An_order_wakes_all_ranks_of_a_machine_that_wait_for_one_of_them(string call)
    {
        await using var cluster = await Transport.StartAsync("memory, trees", 4);
        var order = new GroupFailure(FailureKind.Ordered, null, null, "Over.", Stopwatch.GetTimestamp());
        var failures = await WithoutAsync(cluster, call, rank => rank == 1, () => cluster.Groups[0].Fail(order));
        failures.ShouldAllBe(failure => ReferenceEquals(failure, order));
    }

    [Theory]
    [InlineData("memory", 2)]
    [InlineData("memory, trees", 3)]
    public async Task A_rank_of_the_same_machine_that_never_comes_is_found_by_the_deadline(string transport, int ranks)
    {
        var options = new CollectivesOptions { CallDeadline = TimeSpan.FromMilliseconds(600), PeerSilence = TimeSpan.FromMilliseconds(500) };
        await using var cluster = await Transport.StartAsync(transport, ranks, options: options);
        var failures = await WithoutAsync(cluster, "few bytes", rank => rank == 1, () => { });
        failures.ShouldAllBe(failure => failure.Kind == FailureKind.DeadlineExceeded && failure.SuspectRank == 1);
    }

    /// <summary>All ranks but some enter the call; once they have, harm is done. What the calls ended in.</summary>
    private static async Task<GroupFailure[]> WithoutAsync(Cluster cluster, string call, Func<int, bool> staysAway, Action harm)
    {
        var groups = cluster.Groups.SelectMany(machine => machine.Ranks.Where(rank => !staysAway(rank)).Select(rank => machine[rank].DataParallel)).ToList();
        using var entered = new CountdownEvent(groups.Count);
        var pending = groups.Select(group => Cluster.OnThread(() =>
        {
            entered.Signal();
            return Should.Throw<CollectiveException>(() => Calls.Run(call, group)).Failure;
        })).ToList();
        entered.Wait(Cluster.Patience).ShouldBeTrue();
        harm();
        return await Task.WhenAll(pending).WaitAsync(Cluster.Patience);
    }
}
