using CsCheck;

namespace TrainMover.Collectives.Tests.Topologies;

public sealed class LayoutPlans
{
    private static readonly Gen<(Topology From, Topology To)> AnyChange =
        from pp in Gen.Int[1, 3]
        from tp in Gen.Int[1, 2]
        from blocks in Gen.Int[1, 2]
        from channels in Gen.Int[1, 3]
        from dp in Gen.Int[1, 3]
        from nextDp in Gen.Int[1, 3]
        from old in Gen.Shuffle(Enumerable.Range(0, 12).ToArray(), dp * pp)
        from next in Gen.Shuffle(Enumerable.Range(0, 12).ToArray(), nextDp * pp)
        select (Of(1, pp, tp, channels, old, blocks), Of(2, pp, tp, channels, next, blocks));

    private static readonly Gen<(Topology From, Topology To)> AnyReplacement =
        from pp in Gen.Int[1, 3]
        from tp in Gen.Int[1, 2]
        from blocks in Gen.Int[1, 2]
        from dp in Gen.Int[1, 3]
        from places in Gen.Shuffle(Enumerable.Range(0, dp * pp).ToArray())
        let hosts = places.Select(place => place / blocks).ToArray()
        from pick in Gen.Int[0, (dp * pp) - 1]
        let leaver = hosts[pick]
        let old = Of(1, pp, tp, 1, hosts, 1)
        select (old, Of(2, pp, tp, 1, [.. hosts.Select(host => host == leaver ? 99 : host)], 1));

    [Fact]
    public void The_same_members_in_the_next_generation_keep_everything()
    {
        var plan = DeltaPlan.Compute(Cube(1, "A", "B", "C", "D"), Cube(2, "A", "B", "C", "D"));
        plan.Added.ShouldBeEmpty();
        plan.Removed.ShouldBeEmpty();
        plan.Kept.Count.ShouldBe(28);
        plan.Inherited.Count.ShouldBe(12);
        plan.For("A").ShouldBe(new ConnectionCounts(14, 3, 0, 0));
    }

    [Fact]
    public void One_machine_of_a_cube_changes_the_edges_of_its_ranks_in_every_group()
    {
        // Ranks 0 1 | 2 3 are stage 0, replicas 0 and 1; 4 5 | 6 7 stage 1. B holds ranks 2 and 3.
        var plan = DeltaPlan.Compute(Cube(1, "A", "B", "C", "D"), Cube(2, "A", "E", "C", "D"));
        string[] changed =
        [
            "DataParallel/0 0>2", "DataParallel/0 2>0", "DataParallel/1 1>3", "DataParallel/1 3>1",
            "TensorParallel/2 2>3", "TensorParallel/2 3>2",
            "ModelParallel/2 2>3", "ModelParallel/2 3>6", "ModelParallel/2 7>2",
            "Stages/2 2>6", "Stages/2 6>2", "Stages/3 3>7", "Stages/3 7>3",
            "Embedding/2 2>6", "Embedding/2 6>2", "Embedding/3 3>7", "Embedding/3 7>3",
        ];
        plan.Removed.Select(Name).ShouldBe(changed);
        plan.Added.Select(Name).ShouldBe(changed);
        plan.Removed.ShouldAllBe(edge => edge.Touches("B"));
        plan.Added.ShouldAllBe(edge => edge.Touches("E"));
        plan.For("A").ShouldBe(new ConnectionCounts(10, 3, 4, 4));
        plan.For("C").ShouldBe(new ConnectionCounts(14, 3, 0, 0));
        plan.For("E").ShouldBe(new ConnectionCounts(0, 0, 0, 17));
    }

    [Fact]
    public void Two_machines_of_a_cube_meet_in_the_groups_that_they_share()
    {
        var plan = DeltaPlan.Compute(Cube(1, "A", "B", "C", "D"), Cube(2, "A", "E", "C", "F"));
        plan.Added.Where(edge => !edge.IsIntraMachine && edge.Touches("E") && edge.Touches("F")).Select(Name).ShouldBe(
        [
            "ModelParallel/2 3>6", "ModelParallel/2 7>2",
            "Stages/2 2>6", "Stages/2 6>2", "Stages/3 3>7", "Stages/3 7>3",
            "Embedding/2 2>6", "Embedding/2 6>2", "Embedding/3 3>7", "Embedding/3 7>3",
        ]);
        plan.Kept.ShouldAllBe(edge => edge.Touches("A") && edge.Touches("C"));
        plan.Inherited.Select(edge => edge.FromMachine).Distinct().ShouldBe(["A", "C"]);
    }

    [Fact]
    public void A_joiner_may_enter_elsewhere_in_the_ring()
    {
        // The paper's S0-S1-S2-S3-L0 becomes S0-J0-S1-S2-S3; ranks stay with the machines.
        Member[] old = [.. new[] { "S0", "S1", "S2", "S3", "L0" }.Select((machine, rank) => new Member(rank, machine, "h", 1))];
        var from = new Topology("job", 1, new ParallelLayout(5), old, Cluster.Key);
        var to = new Topology("job", 2, new ParallelLayout(5), [.. old[..4], new Member(4, "J0", "h", 1)], Cluster.Key, ringOrder: [0, 4, 1, 2, 3]);
        var plan = DeltaPlan.Compute(from, to);
        plan.Removed.Select(Machines).ShouldBe(["S0>S1", "S3>L0", "L0>S0"]);
        plan.Added.Select(Machines).ShouldBe(["S0>J0", "S3>S0", "J0>S1"]);
        plan.Kept.Select(Machines).ShouldBe(["S1>S2", "S2>S3"]);
        to.RanksOf(new GroupId(GroupKind.DataParallel, 0)).ShouldBe([0, 4, 1, 2, 3]);
    }

    [Fact]
    public void A_replica_more_or_less_keeps_the_other_replicas_pipelines_although_ranks_are_numbered_anew()
    {
        var two = Of(1, 2, 1, 1, [0, 1, 2, 3]);
        var three = Of(2, 2, 1, 1, [0, 1, 4, 2, 3, 5]);
        var grown = DeltaPlan.Compute(two, three);
        grown.Removed.Select(Machines).ShouldBe(["m1>m0", "m3>m2"]);
        grown.Added.Where(edge => edge.Group.Kind == GroupKind.DataParallel).Select(Machines).ShouldBe(["m1>m4", "m4>m0", "m3>m5", "m5>m2"]);
        grown.Added.Where(edge => edge.Group.Kind != GroupKind.DataParallel).ShouldAllBe(edge => edge.Touches("m4") && edge.Touches("m5"));
        grown.Kept.Select(Machines).ShouldBe(
            ["m0>m1", "m2>m3", "m0>m2", "m2>m0", "m1>m3", "m3>m1", "m0>m2", "m2>m0", "m1>m3", "m3>m1", "m0>m2", "m2>m0", "m1>m3", "m3>m1"]);

        var shrunk = DeltaPlan.Compute(three, Of(3, 2, 1, 1, [0, 1, 2, 3]));
        shrunk.Removed.Select(Machines).Order().ShouldBe(grown.Added.Select(Machines).Order());
        shrunk.Added.Select(Machines).Order().ShouldBe(grown.Removed.Select(Machines).Order());
        shrunk.Kept.Count.ShouldBe(14);
    }

    [Fact]
    public void A_switch_that_failed_half_way_is_planned_from_the_generation_that_it_came_to()
    {
        var first = Of(1, 1, 1, 1, [0, 1, 2, 3]);
        var half = Of(2, 1, 1, 1, [0, 4, 2, 3]);
        var again = Of(3, 1, 1, 1, [0, 5, 2, 3]);
        var retry = DeltaPlan.Compute(half, again);
        retry.Removed.Select(Machines).ShouldBe(["m0>m4", "m4>m2"]);
        retry.Added.Select(Machines).ShouldBe(["m0>m5", "m5>m2"]);
        retry.Digest.ShouldNotBe(DeltaPlan.Compute(first, again).Digest);
    }

    [Fact]
    public void Odd_channels_run_the_other_way_round()
    {
        var plan = DeltaPlan.Fresh(Of(1, 1, 1, 3, [0, 1, 2]));
        plan.Added.Select(edge => $"{edge.Channel}: {Machines(edge)}").ShouldBe(
            ["0: m0>m1", "0: m1>m2", "0: m2>m0", "1: m0>m2", "1: m1>m0", "1: m2>m1", "2: m0>m1", "2: m1>m2", "2: m2>m0"]);
    }

    [Fact]
    public void The_plan_is_that_of_comparing_every_edge_with_every_edge() => Gen.OneOf(AnyChange, AnyReplacement).Sample(change =>
    {
        var plan = DeltaPlan.Compute(change.From, change.To);
        var (old, next) = (Devices(change.From, GroupEdges.Of(change.From)), Devices(change.To, GroupEdges.Of(change.To)));
        Devices(change.To, plan.Added).ShouldBe(next.Except(old).Order());
        Devices(change.From, plan.Removed).ShouldBe(old.Except(next).Order());
        Devices(change.To, plan.Kept.Concat(plan.Inherited)).ShouldBe(next.Intersect(old).Order());
        plan.Inherited.ShouldAllBe(edge => edge.IsIntraMachine);
        foreach (var machine in change.From.Machines.Union(change.To.Machines))
        {
            plan.For(machine).ShouldBe(new ConnectionCounts(
                plan.Kept.Count(edge => edge.Touches(machine)), plan.Inherited.Count(edge => edge.Touches(machine)),
                plan.Removed.Count(edge => edge.Touches(machine)), plan.Added.Count(edge => edge.Touches(machine))));
        }
    });

    [Fact]
    public void The_next_topology_is_the_one_that_its_members_make() => AnyReplacement.Sample(change =>
    {
        var leaver = change.From.Members.Zip(change.To.Members).First(pair => pair.First.Machine != pair.Second.Machine).First;
        var joiner = change.To.On("m99")!;
        var next = change.From.Next(2, new MachineReplacement(leaver.Machine, joiner.Machine, joiner.Host, joiner.Port));
        next.ShouldBe(change.To);
        next.Digest.ShouldBe(change.To.Digest);
        next.RanksOf("m99").ShouldBe(change.From.RanksOf(leaver.Machine));
        next.RanksOf(leaver.Machine).ShouldBeEmpty();
        DeltaPlan.Compute(change.From, next).Digest.ShouldBe(DeltaPlan.Compute(change.From, change.To).Digest);
    });

    [Fact]
    public void Layout_channels_and_ring_order_are_in_the_digest()
    {
        Member[] members = [.. Enumerable.Range(0, 4).Select(rank => new Member(rank, "A", "h", 1))];
        new[]
        {
            new Topology("job", 1, members, Cluster.Key),
            new Topology("job", 1, new ParallelLayout(2, 2), members, Cluster.Key),
            new Topology("job", 1, new ParallelLayout(2, 1, 2), members, Cluster.Key),
            new Topology("job", 1, new ParallelLayout(4), members, Cluster.Key, channels: 2),
            new Topology("job", 1, new ParallelLayout(4), members, Cluster.Key, ringOrder: [0, 2, 1, 3]),
        }.Select(topology => topology.Digest).Distinct().Count().ShouldBe(5);
    }

    [Fact]
    public void The_number_of_changed_connections_does_not_depend_on_the_size_of_the_job()
    {
        var counts = new[] { 4, 64 }.Select(dp =>
        {
            var from = Of(1, 4, 8, 1, [.. Enumerable.Range(0, 4 * dp)]);
            var plan = DeltaPlan.Compute(from, from.Next(2, new MachineReplacement($"m{dp + 1}", "m9999", "h", 9)));
            return (Removed: plan.Removed.Count, Added: plan.Added.Count);
        }).ToList();
        counts.Distinct().Count().ShouldBe(1);
        counts[0].Added.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Topologies_that_make_no_sense_are_refused()
    {
        var from = Cube(1, "A", "B", "C", "D");
        Member[] split = [.. from.Members.Select(member => member.Rank == 1 ? member with { Machine = "B" } : member)];
        Should.Throw<ArgumentException>(() => new Topology("job", 1, from.Layout, split, Cluster.Key)).Message.ShouldContain("tensor-parallel");
        Member[] twice = [.. from.Members.Select(member => member.Rank > 1 && member.Machine == "B" ? member with { Port = 7 } : member with { Machine = "B" })];
        Should.Throw<ArgumentException>(() => new Topology("job", 1, from.Layout, twice, Cluster.Key)).Message.ShouldContain("one address");
        Should.Throw<ArgumentException>(() => new Topology("job", 1, new ParallelLayout(3), from.Members, Cluster.Key));
        Should.Throw<ArgumentException>(() => new Topology("job", 1, from.Layout, from.Members, Cluster.Key, ringOrder: [.. Enumerable.Range(0, 8)]));
        Should.Throw<ArgumentException>(() => new Topology("job", 1, new ParallelLayout(8), from.Members, Cluster.Key, ringOrder: [0, 1, 2, 3, 4, 5, 6, 6]));
        Should.Throw<ArgumentException>(() => new Topology("job", 1, from.Layout, from.Members, Cluster.Key, channels: 0));
        Should.Throw<ArgumentException>(() => from.Next(2, new MachineReplacement("X", "Y", "h", 1)));
        Should.Throw<ArgumentException>(() => from.Next(2, new MachineReplacement("A", "B", "h", 1)));
        Should.Throw<ArgumentException>(() => from.Next(1, new MachineReplacement("A", "E", "h", 1)));
    }

    private static Topology Cube(int generation, params string[] machines) => new(
        "job", generation, new ParallelLayout(2, 2, 2),
        [.. Enumerable.Range(0, 8).Select(rank => new Member(rank, machines[rank / 2], "10.0.0.1", 4000 + machines[rank / 2][0]))], Cluster.Key);

    /// <summary>One tensor-parallel group per entry; <paramref name="blocks"/> neighbouring entries are one machine.</summary>
    private static Topology Of(int generation, int pp, int tp, int channels, int[] machines, int blocks = 1)
    {
        int[] places = [.. machines.SelectMany((machine, index) => Enumerable.Repeat(machines[index / blocks * blocks], tp))];
        Member[] members = [.. places.Select((machine, rank) => new Member(rank, $"m{machine}", "10.0.0.1", 4000 + machine))];
        return new Topology("job", generation, new ParallelLayout(machines.Length / pp, pp, tp), members, Cluster.Key, channels);
    }

    private static List<string> Devices(Topology topology, IEnumerable<RingEdge> edges) =>
        [.. edges.Select(edge => $"{edge.Group.Kind} {edge.Channel} {topology.DeviceOf(edge.FromRank)} {topology.DeviceOf(edge.ToRank)}").Order()];

    private static string Name(RingEdge edge) => $"{edge.Group.Kind}/{edge.Group.First} {edge.FromRank}>{edge.ToRank}";

    private static string Machines(RingEdge edge) => $"{edge.FromMachine}>{edge.ToMachine}";
}
