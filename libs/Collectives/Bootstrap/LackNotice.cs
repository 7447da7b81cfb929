using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>Which kept connections with the receiver the sender lacks, mostly none.</summary>
/// <param name="Asks">Whether the receiver answers with the same: it may not have been listening when its own word was due.</param>
/// <param name="Edges">The connections.</param>
internal sealed record LackNotice(bool Asks, IReadOnlyList<RingEdge> Edges)
{
    private const int NumbersPerEdge = 5;

    /// <summary>Edges that fit in one notice.</summary>
    public const int MostEdges = (LinkFrame.LongestPayload - 1) / (NumbersPerEdge * sizeof(int));

    public byte[] Encode() => [(byte)(Asks ? 1 : 0), .. MemoryMarshal.AsBytes<int>(Edges
        .SelectMany(edge => (int[])[(int)edge.Group.Kind, edge.Group.First, edge.Channel, edge.FromRank, edge.ToRank]).ToArray())];

    /// <summary>What came; edges that the topology does not know are left out.</summary>
    public static LackNotice Decode(ReadOnlySpan<byte> payload, Topology topology)
    {
        if (payload.IsEmpty)
            return new LackNotice(false, []);
        var edges = new List<RingEdge>();
        foreach (var numbers in MemoryMarshal.Cast<byte, int>(payload[1..]).ToArray().Chunk(NumbersPerEdge))
        {
            if (numbers is [var kind, var first, var channel, var from, var to] && from >= 0 && from < topology.Size && to >= 0 && to < topology.Size)
                edges.Add(new RingEdge(new GroupId((GroupKind)kind, first), channel, from, topology[from].Machine, to, topology[to].Machine));
        }

        return new LackNotice(payload[0] == 1, edges);
    }
}
