namespace TrainMover.Collectives;

/// <summary>What a switch does to the connections of one machine.</summary>
/// <param name="Stays">Edges that live on, as the old topology and as the new one has them.</param>
/// <param name="Removed">Edges to close, as the old topology has them.</param>
/// <param name="Added">Edges to open, as the new topology has them.</param>
internal sealed record MachinePart(IReadOnlyList<(RingEdge Old, RingEdge New)> Stays, IReadOnlyList<RingEdge> Removed, IReadOnlySet<RingEdge> Added)
{
    public ConnectionCounts Counts => new(
        Stays.Count(pair => !pair.New.IsIntraMachine),
        Stays.Count(pair => pair.New.IsIntraMachine),
        Removed.Count,
        Added.Count);
}
