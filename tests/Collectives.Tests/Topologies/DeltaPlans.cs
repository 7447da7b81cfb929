using CsCheck;

namespace TrainMover.Collectives.Tests.Topologies;

public sealed class DeltaPlans
{
    private static readonly Gen<(Topology From, Topology To, int Leaver)> Replacement =
        from size in Gen.Int[1, 9]
        from leaver in Gen.Int[0, size - 1]
        select (Of(1, Enumerable.Range(0, size)), Of(2, Enumerable.Range(0, size).Select(machine => machine == leaver ? size : machine)), leaver);

    private static readonly Gen<(Topology From, Topology To)> AnyChange =
        from size in Gen.Int[1, 7]
        from old in Gen.Shuffle(Enumerable.Range(0, 9).ToArray(), size)
        from next in Gen.Int[1, 7].SelectMany(count => Gen.Shuffle(Enumerable.Range(0, 9).ToArray(), count))
        select (Of(1, old), Of(2, next));

    [Fact]
    public void The_papers_example_comes_out()
    {
        var from = Named(1, "S0", "S1", "S2", "S3", "L0");
        var to = Named(2, "S0", "J0", "S1", "S2", "S3");
        var plan = DeltaPlan.Compute(from, to);
        plan.Removed.Select(Name).ShouldBe(["S0>S1", "S3>L0", "L0>S0"]);
        plan.Added.Select(Name).ShouldBe(["S0>J0", "J0>S1", "S3>S0"]);
        plan.Kept.Select(Name).ShouldBe(["S1>S2", "S2>S3"]);
        plan.Inherited.ShouldBeEmpty();
    }

    [Fact]
    public void Kept_and_added_make_the_new_ring_and_kept_and_removed_the_old_one() => AnyChange.Sample(change =>
    {
        var plan = DeltaPlan.Compute(change.From, change.To);
        plan.Kept.Concat(plan.Inherited).Concat(plan.Added).Select(Name).Order().ShouldBe(Ring(change.To).Order());
        plan.Kept.Concat(plan.Inherited).Concat(plan.Removed).Select(Name).Order().ShouldBe(Ring(change.From).Order());
        plan.Added.Select(Name).Intersect(plan.Removed.Select(Name)).ShouldBeEmpty();
    });

    [Fact]
    public void One_replacement_touches_the_two_edges_of_the_leaver_only() => Replacement.Sample(change =>
    {
        var plan = DeltaPlan.Compute(change.From, change.To);
        var size = change.From.Size;
        var changed = size == 1 ? 0 : 2;
        plan.Removed.Count.ShouldBe(changed);
        plan.Added.Count.ShouldBe(changed);
        plan.Removed.ShouldAllBe(edge => edge.Touches($"m{change.Leaver}"));
        plan.Added.ShouldAllBe(edge => edge.Touches($"m{size}"));
        plan.Kept.Count.ShouldBe((size == 1 ? 0 : size) - changed);
    });

    [Fact]
    public void The_way_back_is_the_mirror() => AnyChange.Sample(change =>
    {
        var there = DeltaPlan.Compute(change.From, change.To);
        var back = DeltaPlan.Compute(change.To, new Topology("job", 3, change.From.Members, change.From.Key));
        back.Added.Select(Name).Order().ShouldBe(there.Removed.Select(Name).Order());
        back.Removed.Select(Name).Order().ShouldBe(there.Added.Select(Name).Order());
    });

    [Fact]
    public void What_the_participants_count_adds_up_to_both_ends_of_every_edge() => AnyChange.Sample(change =>
    {
        var plan = DeltaPlan.Compute(change.From, change.To);
        var counts = change.From.Members.Concat(change.To.Members).Select(member => member.Machine).Distinct().Select(plan.For).ToList();
        counts.Sum(count => count.Kept).ShouldBe(2 * plan.Kept.Count);
        counts.Sum(count => count.Removed).ShouldBe(2 * plan.Removed.Count);
        counts.Sum(count => count.Added).ShouldBe(2 * plan.Added.Count);
    });

    [Fact]
    public void The_digest_is_equal_for_equal_topologies_and_other_for_any_other()
    {
        var from = Of(1, [0, 1, 2]);
        var to = Of(2, [0, 3, 2]);
        var digest = DeltaPlan.Compute(from, to).Digest;
        DeltaPlan.Compute(Of(1, [0, 1, 2]), Of(2, [0, 3, 2])).Digest.ShouldBe(digest);
        var moved = new Topology("job", 2, [.. to.Members.Select(member => member.Rank == 1 ? member with { Port = 1 } : member)], to.Key);
        new[]
        {
            DeltaPlan.Compute(from, Of(3, [0, 3, 2])),
            DeltaPlan.Compute(from, Of(2, [0, 4, 2])),
            DeltaPlan.Compute(from, Of(2, [2, 3, 0])),
            DeltaPlan.Compute(Of(0, [0, 1, 2]), to),
            DeltaPlan.Compute(from, moved),
            DeltaPlan.Fresh(to),
        }.Select(plan => plan.Digest).Append(digest).Distinct().Count().ShouldBe(7);
    }

    [Fact]
    public void The_key_is_in_no_digest_and_no_text()
    {
        var other = new Topology("job", 1, Of(1, [0, 1]).Members, new byte[Topology.KeyBytes]);
        other.Digest.ShouldBe(Of(1, [0, 1]).Digest);
        other.ShouldNotBe(Of(1, [0, 1]));
        other.ToString().ShouldBe("job/1 [m0 m1]");
    }

    [Fact]
    public void A_machine_that_came_back_on_another_port_keeps_no_edge()
    {
        var from = Of(1, [0, 1, 2]);
        var back = new Topology("job", 2, [.. from.Members.Select(member => member.Rank == 1 ? member with { Port = 1 } : member)], from.Key);
        DeltaPlan.Compute(from, back).Kept.Select(Name).ShouldBe(["m2>m0"]);
    }

    [Fact]
    public void Edges_inside_a_machine_are_inherited()
    {
        var from = Named(1, "A", "A", "B", "B");
        var to = Named(2, "A", "A", "C", "C");
        var plan = DeltaPlan.Compute(from, to);
        plan.Inherited.Select(Name).ShouldBe(["A>A"]);
        plan.Added.Select(Name).ShouldBe(["A>C", "C>C", "C>A"]);
        plan.For("A").ShouldBe(new ConnectionCounts(0, 1, 2, 2));
    }

    [Fact]
    public void Topologies_and_plans_that_make_no_sense_are_refused()
    {
        var members = Of(1, [0, 1]).Members;
        Should.Throw<ArgumentException>(() => new Topology("job", 1, [members[1]], Cluster.Key));
        Should.Throw<ArgumentException>(() => new Topology("job", 1, [], Cluster.Key));
        Should.Throw<ArgumentException>(() => new Topology("job", 1, members, new byte[31]));
        Should.Throw<ArgumentException>(() => DeltaPlan.Compute(Of(2, [0]), Of(2, [1])));
        Should.Throw<ArgumentException>(() => DeltaPlan.Compute(Of(1, [0]), new Topology("other", 2, members, Cluster.Key)));
        Should.Throw<InvalidOperationException>(() => new CollectivesOptions { PeerSilence = TimeSpan.FromMinutes(1) }.Validate());
    }

    private static Topology Of(int generation, IEnumerable<int> machines) => Named(generation, [.. machines.Select(machine => $"m{machine}")]);

    private static Topology Named(int generation, params string[] machines) =>
        new("job", generation, [.. machines.Select((machine, rank) => new Member(rank, machine, "10.0.0.1", 4000 + machine[^1]))], Cluster.Key);

    private static IEnumerable<string> Ring(Topology topology) => topology.Size == 1
        ? []
        : topology.Members.Select(member => $"{member.Machine}>{topology[(member.Rank + 1) % topology.Size].Machine}");

    private static string Name(RingEdge edge) => $"{edge.FromMachine}>{edge.ToMachine}";
}
