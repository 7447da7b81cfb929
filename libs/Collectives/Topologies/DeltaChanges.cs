using System.Security.Cryptography;
using System.Text;

namespace TrainMover.Collectives;

/// <summary>What differs between two topologies: places and edges, sorted.</summary>
internal sealed class DeltaChanges
{
    private readonly SortedSet<int> _ranks;
    private readonly Dictionary<RingEdge, RingEdge> _moved;

    private DeltaChanges(SortedSet<int> ranks, List<RingEdge> removed, List<RingEdge> added, Dictionary<RingEdge, RingEdge> moved)
    {
        (_ranks, Removed, Added, _moved) = (ranks, removed, added, moved);
        removed.Sort(RingEdge.Compare);
        added.Sort(RingEdge.Compare);
    }

    public IReadOnlyList<RingEdge> Removed { get; }

    public IReadOnlyList<RingEdge> Added { get; }

    public static DeltaChanges Between(Topology? from, Topology to, bool reuse)
    {
        if (from is null || !reuse)
            return new DeltaChanges([], from is null ? [] : [.. GroupEdges.Of(from)], [.. GroupEdges.Of(to)], []);
        if (!to.HasShapeOf(from))
            return Compare(from, to, [], GroupEdges.Of(from), GroupEdges.Of(to));
        var ranks = ChangedRanks(from, to);
        var groups = ranks.SelectMany(to.Layout.GroupsOf).ToHashSet();
        return Compare(from, to, ranks, EdgesOf(from), EdgesOf(to));

        // Between two ranks that did not change, nothing changes.
        IEnumerable<RingEdge> EdgesOf(Topology topology) =>
            groups.SelectMany(group => GroupEdges.Of(topology, group)).Where(edge => ranks.Contains(edge.FromRank) || ranks.Contains(edge.ToRank));
    }

    /// <summary>The old name of an edge that lives on.</summary>
    public RingEdge OldOf(RingEdge edge) => _moved.TryGetValue(edge, out var old) ? old : edge;

    public string DigestFrom(Topology? from, Topology to, bool reuse)
    {
        var text = new StringBuilder();
        text.Append(from?.Digest ?? "none").Append('\n').Append(to.Generation).Append('\n');
        if (from is null || !reuse || !to.HasShapeOf(from))
            text.Append(to.Digest).Append('\n');
        foreach (var rank in _ranks)
            TopologyDigest.AppendMember(text, to[rank]);
        foreach (var (sign, edges) in new[] { ('-', Removed), ('+', Added) })
        {
            foreach (var edge in edges)
            {
                text.Append(sign).Append((int)edge.Group.Kind).Append(' ').Append(edge.Group.First).Append(' ').Append(edge.Channel).Append(' ')
                    .Append(edge.FromRank).Append('>').Append(edge.ToRank).Append('\n');
            }
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static DeltaChanges Compare(Topology from, Topology to, SortedSet<int> ranks, IEnumerable<RingEdge> oldEdges, IEnumerable<RingEdge> newEdges)
    {
        var old = oldEdges.ToDictionary(edge => EdgeIdentity.Of(from, edge));
        var moved = new Dictionary<RingEdge, RingEdge>();
        var added = new List<RingEdge>();
        foreach (var edge in newEdges)
        {
            if (old.Remove(EdgeIdentity.Of(to, edge), out var before))
                moved.Add(edge, before);
            else
                added.Add(edge);
        }

        return new DeltaChanges(ranks, [.. old.Values], added, moved);
    }

    private static SortedSet<int> ChangedRanks(Topology from, Topology to)
    {
        var changed = new SortedSet<int>();
        for (var rank = 0; rank < to.Size; rank++)
        {
            if (!ReferenceEquals(from[rank], to[rank]) && from[rank] != to[rank])
                changed.Add(rank);
        }

        // A machine that holds other ranks than before may number its devices differently.
        var machines = changed.SelectMany(rank => (string[])[from[rank].Machine, to[rank].Machine]).Distinct(StringComparer.Ordinal).ToList();
        foreach (var rank in machines.SelectMany(to.RanksOf))
        {
            if (from.DeviceOf(rank) != to.DeviceOf(rank))
                changed.Add(rank);
        }

        return changed;
    }

    /// <summary>An edge survives between the same two devices, for the same kind of group and the same channel; ranks may be numbered differently by then.</summary>
    private readonly record struct EdgeIdentity(GroupKind Kind, int Channel, Device From, Device To)
    {
        public static EdgeIdentity Of(Topology topology, RingEdge edge) =>
            new(edge.Group.Kind, edge.Channel, topology.DeviceOf(edge.FromRank), topology.DeviceOf(edge.ToRank));
    }
}
