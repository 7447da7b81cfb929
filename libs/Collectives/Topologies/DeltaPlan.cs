using System.Security.Cryptography;
using System.Text;

namespace TrainMover.Collectives;

/// <summary>
/// The least set of data connections that changes between two topologies (the paper's delta plan). Pure: every participant computes the same one
/// from the two topologies alone. Edges of <see cref="Kept"/>, <see cref="Inherited"/> and <see cref="Added"/> carry ranks of the new topology,
/// those of <see cref="Removed"/> ranks of the old one.
/// </summary>
/// <param name="Kept">Edges between machines that are in both rings, between the same two processes.</param>
/// <param name="Inherited">Edges inside a machine that are in both rings.</param>
/// <param name="Removed">Edges of the old ring that the new one lacks.</param>
/// <param name="Added">Edges of the new ring that the old one lacks.</param>
/// <param name="Digest">SHA-256 (lower-case hexadecimal) over both topologies' digests and generations and the changed edges, sorted.</param>
public sealed record DeltaPlan(
    IReadOnlyList<RingEdge> Kept,
    IReadOnlyList<RingEdge> Inherited,
    IReadOnlyList<RingEdge> Removed,
    IReadOnlyList<RingEdge> Added,
    string Digest)
{
    /// <summary>The plan that leads from one topology to the next.</summary>
    /// <exception cref="ArgumentException">The jobs differ, or the generation does not rise.</exception>
    public static DeltaPlan Compute(Topology from, Topology to)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        if (from.Job != to.Job)
            throw new ArgumentException($"A plan stays in one job: {from.Job} is not {to.Job}.", nameof(to));
        if (to.Generation <= from.Generation)
            throw new ArgumentException($"Generation {to.Generation} does not follow {from.Generation}.", nameof(to));
        return Between(from, to);
    }

    /// <summary>The plan of a first generation: every edge is added.</summary>
    public static DeltaPlan Fresh(Topology to)
    {
        ArgumentNullException.ThrowIfNull(to);
        return Between(null, to);
    }

    /// <summary>What a switch does to the connections of one machine; each connection that it is an end of counts once.</summary>
    public ConnectionCounts For(string machine) => new(
        Kept.Count(edge => edge.Touches(machine)),
        Inherited.Count(edge => edge.Touches(machine)),
        Removed.Count(edge => edge.Touches(machine)),
        Added.Count(edge => edge.Touches(machine)));

    private static DeltaPlan Between(Topology? from, Topology to)
    {
        var old = from?.RingEdges().ToDictionary(edge => Identity(from, edge)) ?? [];
        var stays = to.RingEdges().Where(edge => old.ContainsKey(Identity(to, edge))).ToList();
        var added = to.RingEdges().Except(stays).ToList();
        var survivors = stays.Select(edge => Identity(to, edge)).ToHashSet();
        var removed = old.Where(pair => !survivors.Contains(pair.Key)).Select(pair => pair.Value).OrderBy(edge => edge.FromRank).ToList();
        return new DeltaPlan(
            [.. stays.Where(edge => !edge.IsIntraMachine)],
            [.. stays.Where(edge => edge.IsIntraMachine)],
            removed,
            added,
            ComputeDigest(from, to, removed, added));
    }

    // An edge survives between the same two processes and devices only: a machine that came back on another port is a new end.
    private static (Member From, Member To) Identity(Topology topology, RingEdge edge) => (Device(topology, edge.FromRank), Device(topology, edge.ToRank));

    private static Member Device(Topology topology, int rank)
    {
        var member = topology[rank];
        return member with { Rank = topology.Members.Take(rank).Count(earlier => earlier.Machine == member.Machine) };
    }

    private static string ComputeDigest(Topology? from, Topology to, List<RingEdge> removed, List<RingEdge> added)
    {
        var text = new StringBuilder();
        text.Append(from?.Digest ?? "none").Append(' ').Append(from?.Generation ?? -1).Append('\n');
        text.Append(to.Digest).Append(' ').Append(to.Generation).Append('\n');
        foreach (var (sign, edges) in new[] { ('-', removed), ('+', added) })
            foreach (var edge in edges.OrderBy(edge => edge.FromRank).ThenBy(edge => edge.ToRank))
                text.Append(sign).Append(edge.FromRank).Append('>').Append(edge.ToRank).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
