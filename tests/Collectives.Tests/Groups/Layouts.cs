namespace TrainMover.Collectives.Tests.Groups;

public sealed class Layouts
{
    public static TheoryData<int, int, int, int, int> Shapes => new()
    {
        { 4, 2, 2, 2, 1 }, // dp2 x pp2 x tp2
        { 4, 2, 2, 2, 2 },
        { 2, 2, 2, 4, 1 },
        { 3, 3, 1, 1, 1 }, // pp3
        { 2, 1, 2, 2, 1 }, // dp2 x tp2
        { 2, 1, 1, 2, 1 }, // dp4 on two machines
        { 1, 1, 2, 2, 1 }, // one machine, tp2
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task All_groups_of_all_ranks_work_at_once(int machines, int pp, int tp, int ranksPerMachine, int channels)
    {
        await using var cluster = await Cluster.StartAsync(new Cluster.Shape(pp, tp, ranksPerMachine, channels), machines);
        await cluster.ShouldWorkEverywhereAsync();
        await cluster.ShouldWorkEverywhereAsync(100_003);
        cluster.Endpoints.Sum(endpoint => endpoint.RejectedHandshakes).ShouldBe(0);
    }

    [Fact]
    public async Task Between_two_machines_there_are_the_planned_connections_and_one_bootstrap_connection_and_one_lifeline()
    {
        await using var cluster = await Cluster.StartAsync(new Cluster.Shape(Pp: 2, Tp: 2, RanksPerMachine: 2), 4);
        var between = DeltaPlan.Fresh(cluster.Topology).Added.Count(edge => !edge.IsIntraMachine);
        ConnectedSockets.Of(cluster).Count.ShouldBe(between + (2 * 4 * 3 / 2));
        cluster.Endpoints.Sum(endpoint => endpoint.DataConnectionsOpened).ShouldBe(2 * between);
    }

    [Fact]
    public async Task Where_lifelines_are_left_out_they_close_and_nobody_counts_as_lost()
    {
        await using var cluster = await Cluster.StartAsync(3, options: new CollectivesOptions { Lifelines = false });
        var between = DeltaPlan.Fresh(cluster.Topology).Added.Count;
        await Bounded.UntilAsync(() => ConnectedSockets.Of(cluster).Count == between + (3 * 2 / 2), "lifelines to close");
        await cluster.ShouldWorkEverywhereAsync();
    }

    [Fact]
    public async Task A_rank_sees_its_own_groups_only()
    {
        await using var cluster = await Cluster.StartAsync(new Cluster.Shape(Pp: 2, Tp: 2, RanksPerMachine: 2), 4);
        var first = cluster.Groups[0][1];
        first.Position.ShouldBe(new RankPosition(0, 0, 1));
        EveryGroup.GroupsOf(first).Select(group => (group.Id.Kind, group.Id.First, group.Rank, group.Size)).ShouldBe(
        [
            (GroupKind.DataParallel, 1, 0, 2), (GroupKind.TensorParallel, 0, 1, 2), (GroupKind.ModelParallel, 0, 1, 4), (GroupKind.Stages, 1, 0, 2), (GroupKind.Embedding, 1, 0, 2),
        ]);
        first.Previous.ShouldBeNull();
        cluster.Groups[3][7].Next.ShouldBeNull();
        Should.Throw<ArgumentOutOfRangeException>(() => cluster.Groups[0][2]);
    }
}
