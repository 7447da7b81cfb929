namespace TrainMover.Collectives.Tests.Groups;

/// <summary>Every group of every rank, each on a thread of its own, all at once.</summary>
internal static class EveryGroup
{
    public static IEnumerable<(int Rank, CommunicationGroup Group)> EveryRankAndGroup(this IEnumerable<MachineGroups> machines) =>
        machines.SelectMany(machine => machine.Ranks.SelectMany(rank => GroupsOf(machine[rank]).Select(group => (rank, group))));

    public static IEnumerable<CommunicationGroup> GroupsOf(IRankGroups groups) =>
        ((ICommunicator?[])[groups.DataParallel, groups.TensorParallel, groups.ModelParallel, groups.Previous, groups.Next, groups.Embedding]).OfType<CommunicationGroup>();

    /// <summary>Each rank contributes powers of two, so every sum says exactly who took part.</summary>
    public static async Task ShouldWorkEverywhereAsync(this Cluster cluster, int count = 1003)
    {
        var calls = cluster.Groups.EveryRankAndGroup().Select(pair => Cluster.OnThread(() =>
        {
            var (rank, group) = pair;
            var buffer = Enumerable.Repeat((float)(1 << rank), count).ToArray();
            group.AllReduce(buffer, ReduceOperation.Sum);
            var ranks = new byte[group.Size];
            group.AllGather([(byte)rank], ranks);
            group.Barrier();
            return (group.Id, Rank: rank, Sums: buffer.Distinct().ToArray(), Ranks: ranks);
        }));
        foreach (var (id, rank, sums, ranks) in await Task.WhenAll(calls).WaitAsync(Cluster.Patience))
        {
            var members = cluster.Topology.RanksOf(id);
            members.ShouldContain(rank);
            ranks.Select(value => (int)value).ShouldBe(members);
            sums.ShouldBe([members.Sum(member => (float)(1 << member))]);
        }
    }
}
