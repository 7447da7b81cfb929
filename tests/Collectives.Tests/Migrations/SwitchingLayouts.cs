using TrainMover.Collectives.Tests.Failures;
using TrainMover.Collectives.Tests.Groups;

namespace TrainMover.Collectives.Tests.Migrations;

public sealed class SwitchingLayouts
{
    private static readonly Cluster.Shape Cube = new(Pp: 2, Tp: 2, RanksPerMachine: 2);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 1)]
    [InlineData(1, 2)]
    public async Task One_machine_changes_and_exactly_the_planned_sockets_with_it(int leaver, int channels)
    {
        await using var cluster = await Cluster.StartAsync(Cube with { Channels = channels }, 4, standbys: 1);
        await cluster.ShouldWorkEverywhereAsync();
        var to = cluster.Replacing(leaver, 4);
        var opened = cluster.Endpoints.Select(endpoint => endpoint.DataConnectionsOpened).ToList();
        var before = ConnectedSockets.Of(cluster);

        var prepared = await cluster.PrepareAsync(to);
        var plan = prepared[leaver].Plan;
        prepared.Values.Select(each => each.Plan.Digest).Distinct().ShouldBe([plan.Digest]);
        plan.Added.ShouldAllBe(edge => edge.Touches("m4"));
        cluster.Endpoints.Select((endpoint, machine) => endpoint.DataConnectionsOpened - opened[machine])
            .ShouldBe(Enumerable.Range(0, 5).Select(machine => plan.Added.LongCount(edge => !edge.IsIntraMachine && edge.Touches($"m{machine}"))));
        await cluster.ShouldWorkEverywhereAsync();

        (await cluster.SwitchAsync(to, prepared)).ShouldBe(Cluster.Planned(plan, to));
        await cluster.ShouldWorkEverywhereAsync();

        // Beside data connections there are one bootstrap connection and one lifeline per pair of machines.
        await Bounded.UntilAsync(() => ConnectedSockets.Of(cluster).Count == before.Count, "the leaver's connections to close");
        var after = ConnectedSockets.Of(cluster);
        after.Intersect(before).Count().ShouldBe(plan.Kept.Count + (2 * 3));
        after.Except(before).Count().ShouldBe(plan.Added.Count(edge => !edge.IsIntraMachine) + (2 * 3));
    }

    [Fact]
    public async Task An_abort_leaves_the_running_generation_unharmed()
    {
        await using var cluster = await Cluster.StartAsync(Cube, 4, standbys: 1);
        var before = ConnectedSockets.Of(cluster);
        foreach (var each in (await cluster.PrepareAsync(cluster.Replacing(2, 4))).Values)
            await each.AbortAsync();
        cluster.Groups.ShouldAllBe(groups => groups.State == GroupState.Normal);
        await cluster.ShouldWorkEverywhereAsync();
        await Bounded.UntilAsync(() => ConnectedSockets.Of(cluster).SetEquals(before), "what was prepared to close");
    }

    [Fact]
    public async Task Two_machines_are_replaced_at_once_and_meet_in_phase_one()
    {
        await using var cluster = await Cluster.StartAsync(Cube, 4, standbys: 2);
        var to = cluster.TopologyOf(2, [4, 1, 5, 3]);
        var prepared = await cluster.PrepareAsync(to);
        var plan = prepared[0].Plan;
        plan.Added.Count(edge => !edge.IsIntraMachine && edge.Touches("m4") && edge.Touches("m5")).ShouldBeGreaterThan(0);
        cluster.Endpoints.Skip(4).Select(endpoint => endpoint.DataConnectionsOpened)
            .ShouldBe(((string[])["m4", "m5"]).Select(joiner => plan.Added.LongCount(edge => !edge.IsIntraMachine && edge.Touches(joiner))));

        (await cluster.SwitchAsync(to, prepared)).ShouldBe(Cluster.Planned(plan, to));
        await cluster.ShouldWorkEverywhereAsync();
    }

    [Fact]
    public async Task A_job_grows_and_shrinks_by_a_data_parallel_replica()
    {
        await using var cluster = await Cluster.StartAsync(Cube, 4, standbys: 2);
        var grown = cluster.TopologyOf(2, [0, 1, 4, 2, 3, 5]);
        var growing = await cluster.PrepareAsync(grown);
        (await cluster.SwitchAsync(grown, growing)).ShouldBe(Cluster.Planned(growing[0].Plan, grown));
        await cluster.ShouldWorkEverywhereAsync();

        var shrunk = cluster.TopologyOf(3, [4, 1, 5, 3]);
        var shrinking = await cluster.PrepareAsync(shrunk);
        (await cluster.SwitchAsync(shrunk, shrinking)).ShouldBe(Cluster.Planned(shrinking[1].Plan, shrunk));
        await cluster.ShouldWorkEverywhereAsync();
    }

    [Fact]
    public async Task A_joiner_enters_the_ring_elsewhere_than_the_leaver_left_it()
    {
        await using var cluster = await Cluster.StartAsync(4, standbys: 1);
        var replaced = cluster.Replacing(3, 4);
        var to = new Topology("job", 2, replaced.Layout, replaced.Members, Cluster.Key, ringOrder: [0, 3, 1, 2]);
        var prepared = await cluster.PrepareAsync(to);
        (await cluster.SwitchAsync(to, prepared)).ShouldBe(Cluster.Planned(prepared[0].Plan, to));
        cluster.Groups.Select(groups => groups.DataParallel.Rank).ShouldBe([0, 2, 3, 1]);
        await cluster.ShouldWorkEverywhereAsync();
    }

    [Fact]
    public async Task After_a_death_in_the_middle_of_calls_of_many_groups_the_joiner_takes_over()
    {
        await using var cluster = await Cluster.StartAsync(Cube, 4, standbys: 1);
        var all = cluster.Groups.EveryRankAndGroup().ToList();
        using var running = new CountdownEvent(all.Count);
        var calls = all.Select(pair => Cluster.OnThread(() => Should.Throw<CollectiveException>(() => Calls.SumForever(pair.Group, running)).Failure.SuspectMachine)).ToList();
        running.Wait(Cluster.Patience).ShouldBeTrue();
        cluster.Endpoints[1].Sever();
        (await Task.WhenAll(calls).WaitAsync(Cluster.Patience)).Distinct().ShouldBe(["m1"]);

        var to = cluster.Replacing(1, 4);
        var prepared = await cluster.PrepareAsync(to, dead: 1);
        (await cluster.SwitchAsync(to, prepared)).ShouldBe(Cluster.Planned(prepared[0].Plan, to));
        await cluster.ShouldWorkEverywhereAsync();
    }

    [Fact]
    public async Task A_switch_that_failed_half_way_is_retried_from_where_it_came_to()
    {
        await using var cluster = await Cluster.StartAsync(Cube, 4, standbys: 3);
        var to = cluster.TopologyOf(2, [4, 1, 5, 3]);
        var prepared = await cluster.PrepareAsync(to);

        // m4 never switches: its connections are not made, and whatever its neighbours had begun beside is left half done.
        var switching = new[] { 1, 5, 3 }.Select(machine => prepared[machine].SwitchoverAsync(Cluster.Deadline())).ToList();
        cluster.Endpoints[4].Sever();
        var survivors = (await Task.WhenAll(switching).WaitAsync(Cluster.Patience)).Select(pair => pair.Groups).ToList();
        await Bounded.UntilAsync(() => survivors.All(groups => groups.State == GroupState.Failed), "the new generation to fail");

        var next = to.Next(3, new MachineReplacement("m4", "m6", "127.0.0.1", cluster.Endpoints[6].Port));
        var again = await Task.WhenAll(survivors.Select(groups => groups.PrepareStayersAsync(next, Cluster.Deadline()))
            .Append(cluster.Endpoints[6].PrepareJoinerAsync(to, next, Cluster.Deadline()))).WaitAsync(Cluster.Patience);
        await cluster.SwitchAsync(next, new Dictionary<int, PreparedGroups> { [1] = again[0], [5] = again[1], [3] = again[2], [6] = again[3] });
        await cluster.ShouldWorkEverywhereAsync();
        again.Select(each => each.Plan.Digest).Distinct().Count().ShouldBe(1);
    }
}
