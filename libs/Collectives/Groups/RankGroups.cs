namespace TrainMover.Collectives;

/// <summary>The groups of one rank.</summary>
internal sealed class RankGroups : IRankGroups
{
    private readonly Dictionary<GroupId, CommunicationGroup> _groups = [];
    private readonly MachineGroups _generation;
    private readonly TimeSpan _deadline;

    public RankGroups(MachineGroups generation, int rank, EdgeSet edges, TimeSpan deadline)
    {
        _generation = generation;
        _deadline = deadline;
        Rank = rank;
        var at = Layout.PositionOf(rank);
        foreach (var id in Layout.GroupsOf(rank))
            _groups.Add(id, Connected(id, edges));
        DataParallel = Of(new GroupId(GroupKind.DataParallel, Layout.RankAt(at with { Dp = 0 })));
        TensorParallel = Of(new GroupId(GroupKind.TensorParallel, Layout.RankAt(at with { Tp = 0 })));
        ModelParallel = Of(new GroupId(GroupKind.ModelParallel, Layout.RankAt(at with { Pp = 0, Tp = 0 })));
        Previous = at.Pp == 0 ? null : _groups[new GroupId(GroupKind.Stages, Layout.RankAt(at with { Pp = at.Pp - 1 }))];
        Next = at.Pp == Layout.Pp - 1 ? null : _groups[new GroupId(GroupKind.Stages, rank)];
        Embedding = _groups.GetValueOrDefault(new GroupId(GroupKind.Embedding, Layout.RankAt(at with { Pp = 0 })));
    }

    public ParallelLayout Layout => _generation.Topology.Layout;

    public int Rank { get; }

    public ICommunicator DataParallel { get; }

    public ICommunicator TensorParallel { get; }

    public ICommunicator ModelParallel { get; }

    public ICommunicator? Previous { get; }

    public ICommunicator? Next { get; }

    public ICommunicator? Embedding { get; }

    public IEnumerable<CommunicationGroup> All => _groups.Values;

    public void ThrowIfFailed() => _generation.ThrowUnlessUsable();

    /// <summary>Whether this rank's end of an edge that it writes to is there and whole.</summary>
    public bool Writes(RingEdge edge) => _groups.TryGetValue(edge.Group, out var group) && EndsOf(group).Any(ends => ends.Edges.Outbound == edge && ends.Outbound is { IsBroken: false });

    /// <summary>Whether this rank's end of an edge that it reads from is there and whole.</summary>
    public bool Reads(RingEdge edge) => _groups.TryGetValue(edge.Group, out var group) && EndsOf(group).Any(ends => ends.Edges.Inbound == edge && ends.Inbound is { IsBroken: false });

    /// <summary>Takes the data connections out of the groups, under the names of this generation.</summary>
    public void ReleaseInto(EdgeSet edges)
    {
        foreach (var group in _groups.Values)
        {
            group.AwaitCalls();
            foreach (var ends in EndsOf(group))
            {
                if (ends.Outbound is { } writing)
                    edges.Outbound.Add(ends.Edges.Outbound, writing);
                if (ends.Inbound is { } reading)
                    edges.Inbound.Add(ends.Edges.Inbound, reading);
            }

            group.Release();
        }
    }

    private IEnumerable<((RingEdge Outbound, RingEdge Inbound) Edges, OutboundEdge? Outbound, InboundEdge? Inbound)> EndsOf(CommunicationGroup group)
    {
        var channels = group.Channels;
        var ranks = _generation.Topology.RanksOf(group.Id);
        for (var channel = 0; channel < channels.Rings.Count; channel++)
            yield return (GroupEdges.At(_generation.Topology, group.Id, ranks, group.Rank, channel), channels.Rings[channel].Outbound, channels.Rings[channel].Inbound);
        for (var tree = 0; tree < channels.Trees.Count; tree++)
        {
            foreach (var ((_, outbound, inbound), link) in GroupEdges.TreeAt(_generation.Topology, group.Id, ranks, group.Rank, tree).Zip(channels.Trees[tree].Links))
                yield return ((outbound, inbound), link.Outbound, link.Inbound);
        }
    }

    private CommunicationGroup Connected(GroupId id, EdgeSet edges)
    {
        var ranks = _generation.Topology.RanksOf(id);
        var index = GroupEdges.IndexOf(ranks, Rank);
        var channels = Enumerable.Range(0, ranks.Count == 1 ? 0 : _generation.Topology.Channels).Select(channel =>
        {
            var (outbound, inbound) = GroupEdges.At(_generation.Topology, id, ranks, index, channel);
            return (edges.Outbound.GetValueOrDefault(outbound), edges.Inbound.GetValueOrDefault(inbound));
        });
        var trees = Enumerable.Range(0, GroupEdges.TreesOf(_generation.Topology, ranks.Count)).Select(tree => new Tree(
            index,
            ranks.Count,
            tree,
            GroupEdges.TreeAt(_generation.Topology, id, ranks, index, tree)
                .Select(link => new TreeLink(link.Neighbour, edges.Outbound.GetValueOrDefault(link.Outbound), edges.Inbound.GetValueOrDefault(link.Inbound)))));
        return new CommunicationGroup(_generation, id, index, ranks.Count, new Channels(_generation.Topology.Generation, channels, trees, _deadline));
    }

    private CommunicationGroup Of(GroupId id)
    {
        if (!_groups.TryGetValue(id, out var group))
            _groups.Add(id, group = new CommunicationGroup(_generation, id, 0, 1, new Channels(_generation.Topology.Generation, [], [], _deadline)));
        return group;
    }
}
