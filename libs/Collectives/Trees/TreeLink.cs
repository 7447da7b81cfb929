namespace TrainMover.Collectives;

/// <summary>The two connections of a rank with a neighbour in a tree, and how far a call got on them.</summary>
internal sealed class TreeLink(int neighbour, OutboundEdge? outbound, InboundEdge? inbound)
{
    /// <summary>The neighbour's rank in the group.</summary>
    public int Neighbour { get; } = neighbour;

    public OutboundEdge? Outbound { get; set; } = outbound;

    public InboundEdge? Inbound { get; set; } = inbound;

    public bool Sends { get; set; }

    public bool Receives { get; set; }

    public long Sent { get; set; }

    public long Received { get; set; }
}
