using TrainMover.Collectives.Tests.Groups;

namespace TrainMover.Collectives.Tests.Failures;

public sealed class LostMachines
{
    private static readonly Cluster.Shape Cube = new(Pp: 2, Tp: 2, RanksPerMachine: 2);

    [Fact]
    public async Task The_loss_of_a_machine_ends_the_calls_of_all_groups_everywhere_and_names_it()
    {
        await using var cluster = await Cluster.StartAsync(Cube, 4);
        var failures = await WaitingForAsync("m1", cluster, cluster.Endpoints[1].Sever);

        failures.Length.ShouldBeGreaterThan(0);
        failures.ShouldAllBe(failure => failure.SuspectMachine == "m1");
        foreach (var machine in cluster.Groups.Where(machine => machine.Machine != "m1"))
        {
            foreach (var (_, group) in new[] { machine }.EveryRankAndGroup())
                Should.Throw<CollectiveException>(group.Barrier).Failure.ShouldBeSameAs(machine.Failure);
        }
    }

    [Fact]
    public async Task One_call_that_goes_wrong_ends_the_groups_of_ranks_that_have_nothing_to_do_with_it()
    {
        await using var cluster = await Cluster.StartAsync(Cube, 4);
        var stage = (CommunicationGroup)cluster.Groups[0][0].Next!;
        var peer = (CommunicationGroup)cluster.Groups[2][4].Previous!;

        // Rank 7 waits inside its machine for rank 6, which does not come.
        var bystander = Cluster.OnThread(() => Should.Throw<CollectiveException>(cluster.Groups[3][7].TensorParallel.Barrier).Failure);
        var sent = Cluster.OnThread(() => Should.Throw<CollectiveException>(() =>
        {
            stage.AllReduce(new float[10], ReduceOperation.Sum);
            stage.Barrier();
        }).Failure);
        var received = Cluster.OnThread(() => Should.Throw<CollectiveException>(() =>
        {
            peer.AllReduce(new float[12], ReduceOperation.Sum);
            peer.Barrier();
        }).Failure);
        var failures = await Task.WhenAll(sent, received, bystander).WaitAsync(Cluster.Patience);

        failures.ShouldContain(failure => failure.Kind == FailureKind.ProtocolViolation);
        failures[2].Kind.ShouldBe(FailureKind.ReportedByPeer);
        await Bounded.UntilAsync(() => cluster.Groups.All(machine => machine.State == GroupState.Failed), "all machines to know");
    }

    /// <summary>On every machine but one, all ranks enter a barrier of every group that has that machine in it; once they have, harm is done. What the calls ended in.</summary>
    private static async Task<GroupFailure[]> WaitingForAsync(string lost, Cluster cluster, Action harm)
    {
        var waiting = cluster.Groups.Where(machine => machine.Machine != lost).EveryRankAndGroup()
            .Where(pair => cluster.Topology.RanksOf(pair.Group.Id).Any(rank => cluster.Topology[rank].Machine == lost)).ToList();
        using var entered = new CountdownEvent(waiting.Count);
        var calls = waiting.Select(pair => Cluster.OnThread(() =>
        {
            entered.Signal();
            return Should.Throw<CollectiveException>(pair.Group.Barrier).Failure;
        })).ToList();
        entered.Wait(Cluster.Patience).ShouldBeTrue();
        harm();
        return await Task.WhenAll(calls).WaitAsync(Cluster.Patience);
    }
}
