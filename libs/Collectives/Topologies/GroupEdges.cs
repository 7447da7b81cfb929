namespace TrainMover.Collectives;

/// <summary>The data connections that a topology asks for.</summary>
internal static class GroupEdges
{
    /// <summary>All edges of a group; a single rank has none.</summary>
    public static IEnumerable<RingEdge> Of(Topology topology, GroupId group)
    {
        var ranks = topology.RanksOf(group);
        if (ranks.Count == 1)
            yield break;
        for (var channel = 0; channel < topology.Channels; channel++)
        {
            for (var index = 0; index < ranks.Count; index++)
                yield return Edge(topology, group, channel, ranks[index], ranks[NextOf(index, ranks.Count, channel)]);
        }

        for (var index = 0; index < ranks.Count; index++)
        {
            foreach (var (outbound, _) in TreeLinks(topology, group, ranks, index))
                yield return outbound;
        }
    }

    /// <summary>The edges that a machine is an end of, each once.</summary>
    public static IEnumerable<RingEdge> Of(Topology topology, string machine)
    {
        foreach (var rank in topology.RanksOf(machine))
        {
            foreach (var group in topology.Layout.GroupsOf(rank))
            {
                var ranks = topology.RanksOf(group);
                var index = IndexOf(ranks, rank);
                for (var channel = 0; channel < topology.Channels; channel++)
                {
                    yield return Edge(topology, group, channel, rank, ranks[NextOf(index, ranks.Count, channel)]);
                    var previous = ranks[PreviousOf(index, ranks.Count, channel)];
                    if (topology[previous].Machine != machine)
                        yield return Edge(topology, group, channel, previous, rank);
                }

                foreach (var (outbound, inbound) in TreeLinks(topology, group, ranks, index))
                {
                    yield return outbound;
                    if (inbound.FromMachine != machine)
                        yield return inbound;
                }
            }
        }
    }

    /// <summary>All edges, group by group in the order of <see cref="RingEdge.Compare"/>.</summary>
    public static IEnumerable<RingEdge> Of(Topology topology) => Enumerable.Range(0, topology.Size)
        .SelectMany(rank => topology.Layout.GroupsOf(rank).Where(group => group.First == rank))
        .OrderBy(group => group.Kind).ThenBy(group => group.First)
        .SelectMany(group => Of(topology, group));

    /// <summary>The edge that a rank of a group writes to, and the one that it reads from.</summary>
    public static (RingEdge Outbound, RingEdge Inbound) At(Topology topology, GroupId group, IReadOnlyList<int> ranks, int index, int channel) => (
        Edge(topology, group, channel, ranks[index], ranks[NextOf(index, ranks.Count, channel)]),
        Edge(topology, group, channel, ranks[PreviousOf(index, ranks.Count, channel)], ranks[index]));

    /// <summary>The neighbours of a rank in one tree of its group, and both edges with each: parent, first child, second child, as far as there are any.</summary>
    public static IEnumerable<(int Neighbour, RingEdge Outbound, RingEdge Inbound)> TreeAt(Topology topology, GroupId group, IReadOnlyList<int> ranks, int index, int tree)
    {
        var (first, second) = TreeShape.ChildrenOf(index, ranks.Count, tree);
        foreach (var neighbour in new[] { TreeShape.ParentOf(index, ranks.Count, tree), first, second })
        {
            if (neighbour < 0)
                continue;
            var channel = Topology.MostChannels + tree;
            yield return (neighbour, Edge(topology, group, channel, ranks[index], ranks[neighbour]), Edge(topology, group, channel, ranks[neighbour], ranks[index]));
        }
    }

    /// <summary>Trees of a group of so many ranks.</summary>
    public static int TreesOf(Topology topology, int size) => topology.HasTrees && size >= TreeShape.SmallestGroup ? TreeShape.Trees : 0;

    public static int IndexOf(IReadOnlyList<int> ranks, int rank)
    {
        for (var index = 0; index < ranks.Count; index++)
        {
            if (ranks[index] == rank)
                return index;
        }

        throw new ArgumentException($"Rank {rank} is not in the group.", nameof(rank));
    }

    private static IEnumerable<(RingEdge Outbound, RingEdge Inbound)> TreeLinks(Topology topology, GroupId group, IReadOnlyList<int> ranks, int index) =>
        Enumerable.Range(0, TreesOf(topology, ranks.Count)).SelectMany(tree => TreeAt(topology, group, ranks, index, tree)).Select(link => (link.Outbound, link.Inbound));

    // Odd channels run the other way round.
    private static int NextOf(int index, int size, int channel) => (index + (channel % 2 == 0 ? 1 : size - 1)) % size;

    private static int PreviousOf(int index, int size, int channel) => NextOf(index, size, channel + 1);

    private static RingEdge Edge(Topology topology, GroupId group, int channel, int from, int to) =>
        new(group, channel, from, topology[from].Machine, to, topology[to].Machine);
}
