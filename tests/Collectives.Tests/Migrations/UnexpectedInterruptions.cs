using TrainMover.Collectives.Tests.Failures;

namespace TrainMover.Collectives.Tests.Migrations;

public sealed class UnexpectedInterruptions
{
    public static TheoryData<string> Names => Calls.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public async Task After_a_death_in_the_middle_of_a_call_the_joiner_takes_over_and_results_are_right(string call)
    {
        await using var cluster = await Cluster.StartAsync(4, standbys: 1);
        var pending = LostPeers.Survivors(cluster, call);
        cluster.Endpoints[1].Sever();
        await pending;

        var to = cluster.Replacing(1, 4);
        var prepared = await cluster.PrepareAsync(to, dead: 1);
        var plan = prepared[0].Plan;
        var counts = await cluster.SwitchAsync(to, prepared);

        counts.ShouldBe(Cluster.Planned(plan, to));
        cluster.Groups.Select(group => group.Failure).ShouldAllBe(failure => failure == null);
        await cluster.ShouldSumAsync();
        await cluster.ShouldSumAsync(100_003, seed: 1);
    }

    [Fact]
    public async Task A_leaver_that_dies_after_preparation_fails_the_old_group_and_not_what_was_prepared()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 1);
        var to = cluster.Replacing(1, 3);
        var prepared = await cluster.PrepareAsync(to);
        var pending = LostPeers.Survivors(cluster, "sum");
        cluster.Endpoints[1].Sever();
        (await pending).ShouldAllBe(failure => failure.SuspectMachine == "m1");

        prepared[0].Send("m2", [7]);
        (await prepared[2].ReceiveAsync(Cluster.Deadline())).Message.ShouldBe([7]);
        await cluster.SwitchAsync(to, prepared);
        await cluster.ShouldSumAsync();
    }

    [Fact]
    public async Task A_joiner_that_dies_while_prepared_leaves_the_old_group_unharmed()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 2);
        var prepared = await cluster.PrepareAsync(cluster.Replacing(1, 3));
        cluster.Endpoints[3].Sever();

        foreach (var machine in new[] { 0, 1, 2 })
        {
            var lost = await Should.ThrowAsync<GroupSetupException>(() => prepared[machine].ReceiveAsync(Cluster.Deadline()));
            lost.Machine.ShouldBe("m3");
            await prepared[machine].AbortAsync();
            cluster.Groups[machine].State.ShouldBe(GroupState.Normal);
        }

        await cluster.ShouldSumAsync();
        var to = cluster.TopologyOf(3, [0, 4, 2]);
        await cluster.SwitchAsync(to, await cluster.PrepareAsync(to));
        await cluster.ShouldSumAsync(seed: 1);
    }

    [Fact]
    public async Task A_connection_that_broke_between_two_living_machines_is_made_anew_by_the_next_generation()
    {
        await using var proxy = new SwallowingProxy();
        await using var m0 = Endpoint.Listen("m0", System.Net.IPAddress.Loopback);
        await using var m1 = Endpoint.Listen("m1", System.Net.IPAddress.Loopback);
        proxy.ForwardTo(m1.Port);
        Topology Generation(int number) =>
            new("job", number, [new Member(0, "m0", "127.0.0.1", m0.Port), new Member(1, "m1", "127.0.0.1", proxy.Port)], Cluster.Key);
        var groups = await Task.WhenAll(((Endpoint[])[m0, m1]).Select(endpoint => endpoint.CreateGroupsAsync(Generation(1), Cluster.Deadline())));
        await SumAsync(groups);

        proxy.CutBusiest();
        await Should.ThrowAsync<CollectiveException>(() => SumAsync(groups));
        await Bounded.UntilAsync(() => groups.All(group => group.State == GroupState.Failed), "both to know");
        var prepared = await Task.WhenAll(groups.Select(group => group.PrepareStayersAsync(Generation(2), Cluster.Deadline())));
        prepared[0].Plan.Added.ShouldBeEmpty();
        var switched = await Task.WhenAll(prepared.Select(each => each.SwitchoverAsync(Cluster.Deadline()))).WaitAsync(Cluster.Patience);

        switched.Select(pair => pair.Counts).ShouldBe([new ConnectionCounts(1, 0, 1, 1), new ConnectionCounts(1, 0, 1, 1)]);
        await SumAsync([.. switched.Select(pair => pair.Groups)]);
        await Task.WhenAll(m0.DisposeAsync().AsTask(), m1.DisposeAsync().AsTask()).WaitAsync(Cluster.Patience);

        static Task SumAsync(MachineGroups[] groups) => Task.WhenAll(groups.Select(group => Cluster.OnThread(() =>
        {
            group.DataParallel.AllReduce(new float[200_000], ReduceOperation.Sum);
            return true;
        }))).WaitAsync(Cluster.Patience);
    }

    [Fact]
    public async Task A_joiner_that_is_not_there_ends_preparation_at_its_deadline()
    {
        var options = new CollectivesOptions { SetupDeadline = TimeSpan.FromSeconds(3), JoinerPatience = TimeSpan.FromSeconds(3), HandshakeDeadline = TimeSpan.FromSeconds(1) };
        await using var cluster = await Cluster.StartAsync(2, standbys: 1, options: options);
        await cluster.Endpoints[2].DisposeAsync();
        await Should.ThrowAsync<GroupSetupException>(() => cluster.PrepareAsync(0, cluster.Replacing(1, 2)));
        cluster.Groups[0].State.ShouldBe(GroupState.Normal);
        await cluster.ShouldSumAsync();
    }

    [Fact]
    public async Task A_joiner_that_dies_in_the_switch_fails_the_new_group_everywhere_and_another_takes_its_place()
    {
        await using var cluster = await Cluster.StartAsync(4, standbys: 2);
        var to = cluster.Replacing(1, 4);
        var prepared = await cluster.PrepareAsync(to);
        var switching = new[] { 0, 2, 3 }.Select(machine => prepared[machine].SwitchoverAsync(Cluster.Deadline())).ToList();
        cluster.Endpoints[4].Sever();
        var switched = await Task.WhenAll(switching).WaitAsync(Cluster.Patience);
        var groups = switched.Select(pair => pair.Groups).ToList();
        await Bounded.UntilAsync(() => groups.All(group => group.State == GroupState.Failed), "the new groups to fail");
        groups.ShouldAllBe(group => group.Topology == to);

        var next = cluster.TopologyOf(3, [0, 5, 2, 3]);
        var preparing = groups.Select(group => group.PrepareStayersAsync(next, Cluster.Deadline())).ToList();
        preparing.Insert(1, cluster.Endpoints[5].PrepareJoinerAsync(to, next, Cluster.Deadline()));
        var again = await Task.WhenAll(preparing).WaitAsync(Cluster.Patience);
        await cluster.SwitchAsync(next, new Dictionary<int, PreparedGroups> { [0] = again[0], [5] = again[1], [2] = again[2], [3] = again[3] });
        await cluster.ShouldSumAsync();
    }
}
