namespace TrainMover.Collectives.Tests.Topologies;

public sealed class TreeShapes
{
    public static TheoryData<int> Sizes => [.. Enumerable.Range(3, 40), 255, 256, 1000, 1024];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Both_trees_reach_every_rank_in_few_hops_and_whoever_has_children_in_one_is_a_leaf_of_the_other(int size)
    {
        for (var tree = 0; tree < TreeShape.Trees; tree++)
        {
            Enumerable.Range(0, size).Count(rank => TreeShape.ParentOf(rank, size, tree) < 0).ShouldBe(1);
            for (var rank = 0; rank < size; rank++)
            {
                DepthOf(rank, size, tree).ShouldBeLessThanOrEqualTo((int)Math.Log2(size));
                var children = Enumerable.Range(0, size).Where(other => TreeShape.ParentOf(other, size, tree) == rank).ToHashSet();
                var (first, second) = TreeShape.ChildrenOf(rank, size, tree);
                new[] { first, second }.Where(child => child >= 0).ToHashSet().SetEquals(children).ShouldBeTrue();
            }
        }

        var inner = Enumerable.Range(0, size).Count(rank => TreeShape.ChildrenOf(rank, size, 0) != (-1, -1) && TreeShape.ChildrenOf(rank, size, 1) != (-1, -1));
        inner.ShouldBeLessThanOrEqualTo(size % 2);
    }

    [Fact]
    public void The_way_to_any_rank_leads_there()
    {
        const int Size = 13;
        for (var tree = 0; tree < TreeShape.Trees; tree++)
        {
            for (var from = 0; from < Size; from++)
            {
                for (var to = 0; to < Size; to++)
                {
                    var at = from;
                    for (var hops = 0; at != to; hops++)
                    {
                        hops.ShouldBeLessThan(Size);
                        at = TreeShape.Towards(at, to, Size, tree);
                    }
                }
            }
        }
    }

    [Fact]
    public void Tree_connections_are_part_of_the_plan_and_only_those_of_the_replaced_machine_change()
    {
        Member[] members = [.. Enumerable.Range(0, 4).Select(rank => new Member(rank, $"m{rank}", "host", 1))];
        var from = new Topology("job", 1, new ParallelLayout(4), members, Cluster.Key, trees: true);
        var plan = DeltaPlan.Compute(from, from.Next(2, new MachineReplacement("m0", "j", "host", 1)));

        plan.Added.Select(edge => $"{edge.Channel}: {edge.FromMachine}-{edge.ToMachine}").ShouldBe(
        [
            "0: j-m1", "0: m3-j", "16: j-m1", "16: m1-j", "17: j-m2", "17: m2-j",
        ]);
        (plan.Kept.Count + plan.Added.Count).ShouldBe(4 + (2 * 2 * 3));
        new Topology("job", 1, new ParallelLayout(4), members, Cluster.Key).Digest.ShouldNotBe(from.Digest);
    }

    private static int DepthOf(int rank, int size, int tree) => TreeShape.ParentOf(rank, size, tree) is var parent && parent < 0 ? 0 : 1 + DepthOf(parent, size, tree);
}
