namespace TrainMover.Collectives.Tests.Migrations;

public sealed class Switching
{
    [Theory]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    [InlineData(4, 3)]
    [InlineData(5, 2)]
    public async Task A_switch_changes_exactly_the_connections_of_the_plan(int size, int leaver)
    {
        await using var cluster = await Cluster.StartAsync(size, standbys: 1);
        await cluster.ShouldSumAsync();
        var to = cluster.Replacing(leaver, size);
        var prepared = await cluster.PrepareAsync(to);
        prepared.Values.Select(each => each.Plan.Digest).Distinct().Count().ShouldBe(1);
        var plan = prepared[leaver].Plan;

        var counts = await cluster.SwitchAsync(to, prepared);

        counts.ShouldBe(Cluster.Planned(plan, to));
        cluster.Groups.ShouldAllBe(group => group.State == GroupState.Normal);
        await cluster.ShouldSumAsync(seed: 1);
        await cluster.ShouldSumAsync(50_001, seed: 2);
    }

    [Fact]
    public async Task Preparation_opens_the_joiners_connections_alone_and_leaves_running_calls_alone()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 1);
        using var stop = new CancellationTokenSource();
        var summed = new TaskCompletionSource();
        var running = Task.Run(async () =>
        {
            for (var seed = 0; !stop.IsCancellationRequested; seed++)
            {
                await cluster.ShouldSumAsync(20_001, seed);
                summed.TrySetResult();
            }
        });
        await Task.WhenAny(summed.Task, running);
        var before = cluster.Endpoints.Select(endpoint => endpoint.DataConnectionsOpened).ToList();
        before.ShouldBe([2L, 2L, 2L, 0L]);

        var prepared = await cluster.PrepareAsync(cluster.Replacing(1, 3));

        cluster.Endpoints.Select(endpoint => endpoint.DataConnectionsOpened).ShouldBe([3L, 2L, 3L, 2L]);
        cluster.Groups.ShouldAllBe(group => group.State == GroupState.ReadyToSwitchOut);
        await stop.CancelAsync();
        await running;
        summed.Task.IsCompletedSuccessfully.ShouldBeTrue();

        foreach (var each in prepared.Values)
            await each.AbortAsync();
        cluster.Groups.ShouldAllBe(group => group.State == GroupState.Normal);
        await cluster.ShouldSumAsync(seed: 99);
    }

    [Fact]
    public async Task An_aborted_generation_can_be_prepared_again()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 1);
        var to = cluster.Replacing(2, 3);
        foreach (var each in (await cluster.PrepareAsync(to)).Values)
            await each.AbortAsync();

        await cluster.SwitchAsync(to, await cluster.PrepareAsync(to));
        await cluster.ShouldSumAsync();
    }

    [Fact]
    public async Task A_group_migrates_many_times()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 1);
        var spare = 3;
        for (var migration = 0; migration < 4; migration++)
        {
            var leaver = int.Parse(cluster.Topology[migration % 3].Machine[1..]);
            var to = cluster.Replacing(leaver, spare);
            var old = cluster.Groups;
            await cluster.SwitchAsync(to, await cluster.PrepareAsync(to));
            await cluster.ShouldSumAsync(seed: migration);
            await Bounded.UntilAsync(() => old.All(group => group.State == GroupState.Closed), "the old groups to be closed");
            old.ShouldAllBe(group => group.Failure == null);
            spare = leaver;
        }
    }

    [Fact]
    public async Task Two_neighbours_are_replaced_together()
    {
        await using var cluster = await Cluster.StartAsync(4, standbys: 2);
        var to = cluster.TopologyOf(2, [0, 4, 5, 3]);
        var prepared = await cluster.PrepareAsync(to);
        cluster.Endpoints.Skip(4).Select(endpoint => endpoint.DataConnectionsOpened).ShouldBe([2L, 2L]);
        var counts = await cluster.SwitchAsync(to, prepared);
        counts.ShouldBe(Cluster.Planned(prepared[0].Plan, to));
        await cluster.ShouldSumAsync();
    }

    [Fact]
    public async Task The_machine_that_left_sees_a_goodbye_and_no_failure()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 1);
        var leaver = cluster.Groups[1];
        var to = cluster.Replacing(1, 3);
        await cluster.SwitchAsync(to, await cluster.PrepareAsync(to));
        await Bounded.UntilAsync(() => leaver.State == GroupState.Closed, "the leaver's group to be closed");
        leaver.Failure.ShouldBeNull();
        Should.Throw<ObjectDisposedException>(leaver.DataParallel.Barrier);
    }

    [Fact]
    public async Task What_a_switch_replaces_lives_until_it_is_concluded()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 1);
        var old = cluster.Groups;
        var to = cluster.Replacing(1, 3);
        var prepared = await cluster.PrepareAsync(to);
        prepared[0].Conclude();

        (await cluster.SwitchOnlyAsync(to, prepared)).ShouldBe(Cluster.Planned(prepared[0].Plan, to));

        await cluster.ShouldSumAsync();
        old.ShouldAllBe(group => group.State != GroupState.Closed);
        for (var time = 0; time < 2; time++)
            prepared.Values.ToList().ForEach(each => each.Conclude());
        await Bounded.UntilAsync(() => old.All(group => group.State == GroupState.Closed), "the old groups to be closed");
        old.ShouldAllBe(group => group.Failure == null);
        await Should.ThrowAsync<GroupSetupException>(() => prepared[0].ReceiveAsync(Cluster.Deadline()));
        await cluster.ShouldSumAsync(seed: 1);
    }

    [Fact]
    public async Task What_is_concluded_late_hinders_no_next_switch()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 2);
        var to = cluster.Replacing(1, 3);
        var first = await cluster.PrepareAsync(to);
        await cluster.SwitchOnlyAsync(to, first);
        cluster.Endpoints[3].Sever();
        await Bounded.UntilAsync(() => cluster.Groups.All(group => group.Failure is not null), "the new groups to fail");
        cluster.Groups.Where(group => group.Machine != "m3").ShouldAllBe(group => group.Failure!.SuspectMachine == "m3");

        var next = cluster.Replacing(3, 4);
        var second = await cluster.PrepareAsync(next, dead: 3);
        foreach (var each in first.Values)
            each.Conclude();

        (await cluster.SwitchAsync(next, second)).ShouldBe(Cluster.Planned(second[0].Plan, next));
        await cluster.ShouldSumAsync();
        cluster.Groups.ShouldAllBe(group => group.State == GroupState.Normal);
    }

    [Fact]
    public async Task Messages_reach_members_and_leavers_in_order()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 1);
        var prepared = await cluster.PrepareAsync(cluster.Replacing(1, 3));
        foreach (var (from, to) in new[] { (0, 2), (2, 0), (0, 3), (3, 2), (0, 1), (1, 3) })
        {
            await Bounded.UntilAsync(() => Reaches(prepared[from], $"m{to}"), $"m{from} to reach m{to}");
            prepared[from].Send($"m{to}", [(byte)from, 2]);
            (await prepared[to].ReceiveAsync(Cluster.Deadline())).Machine.ShouldBe($"m{from}");
            var (machine, message) = await prepared[to].ReceiveAsync(Cluster.Deadline());
            machine.ShouldBe($"m{from}");
            message.ShouldBe([(byte)from, 2]);
        }

        Should.Throw<ArgumentException>(() => prepared[0].Send("m9", [1]));
        Should.Throw<ArgumentException>(() => prepared[0].Send("m2", new byte[PreparedGroups.LongestMessage + 1]));

        static bool Reaches(PreparedGroups group, string machine)
        {
            group.Send(machine, [0]);
            return true;
        }
    }

    [Fact]
    public async Task A_message_that_comes_before_the_receiver_has_prepared_is_kept_for_it()
    {
        await using var cluster = await Cluster.StartAsync(3, standbys: 1);
        var to = cluster.Replacing(1, 3);
        var joiner = cluster.PrepareAsync(3, to);
        var early = await cluster.PrepareAsync(0, to);
        early.Send("m2", [42]);
        var late = await cluster.PrepareAsync(2, to);
        (await late.ReceiveAsync(Cluster.Deadline())).Message.ShouldBe([42]);
        await joiner;
    }
}
