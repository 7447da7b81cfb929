namespace TrainMover.Collectives;

/// <summary>The ends of data connections that a machine has, by the edge that they belong to; of an edge inside the machine both.</summary>
internal sealed class EdgeSet : IDisposable
{
    public Dictionary<RingEdge, OutboundEdge> Outbound { get; } = [];

    public Dictionary<RingEdge, InboundEdge> Inbound { get; } = [];

    /// <summary>Edges of which an end is here.</summary>
    public IEnumerable<RingEdge> Edges => Outbound.Keys.Union(Inbound.Keys);

    /// <summary>Makes both ends of an edge inside this machine.</summary>
    public void AddInside(RingEdge edge, Topology topology) =>
        (Outbound[edge], Inbound[edge]) = MemoryEdges.Create(topology[edge.FromRank], topology[edge.ToRank]);

    /// <summary>Closes the ends of an edge that are here; false when there are none.</summary>
    public bool Drop(RingEdge edge)
    {
        var wrote = Outbound.Remove(edge, out var outbound);
        var read = Inbound.Remove(edge, out var inbound);
        outbound?.Dispose();
        inbound?.Dispose();
        return wrote || read;
    }

    /// <summary>Gives all ends to another set.</summary>
    public void MoveTo(EdgeSet other)
    {
        foreach (var (edge, outbound) in Outbound)
            other.Outbound.Add(edge, outbound);
        foreach (var (edge, inbound) in Inbound)
            other.Inbound.Add(edge, inbound);
        Outbound.Clear();
        Inbound.Clear();
    }

    /// <summary>Breaks every connection at once, as the death of this process would.</summary>
    public void Reset()
    {
        foreach (var edge in Outbound.Values.Concat<DataEdge>(Inbound.Values))
            edge.Reset();
    }

    public void Dispose()
    {
        foreach (var edge in Edges.ToList())
            Drop(edge);
    }
}
