using System.Security.Cryptography;
using System.Text;

namespace TrainMover.Collectives;

/// <summary>
/// Who belongs to one generation of a job. Equal when job, generation, members and key are equal.
/// </summary>
public sealed class Topology : IEquatable<Topology>
{
    /// <summary>Length of <see cref="Key"/> in bytes.</summary>
    public const int KeyBytes = 32;

    /// <summary>Checks and keeps a topology.</summary>
    /// <param name="job">Job id; not empty, at most 200 UTF-8 bytes.</param>
    /// <param name="generation">Generation of the membership; 0 or more, rising with each migration.</param>
    /// <param name="members">At least one, ordered by rank without gaps.</param>
    /// <param name="key">The 32 secret bytes that prove membership in the hand-shake.</param>
    /// <exception cref="ArgumentException">A rule above is broken.</exception>
    public Topology(string job, int generation, IReadOnlyList<Member> members, byte[] key)
    {
        ArgumentException.ThrowIfNullOrEmpty(job);
        ArgumentNullException.ThrowIfNull(members);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfNegative(generation);
        if (Encoding.UTF8.GetByteCount(job) > 200)
            throw new ArgumentException("A job id has at most 200 bytes.", nameof(job));
        if (key.Length != KeyBytes)
            throw new ArgumentException($"The key has {KeyBytes} bytes, not {key.Length}.", nameof(key));
        if (members.Count == 0)
            throw new ArgumentException("A topology has at least one member.", nameof(members));
        for (var rank = 0; rank < members.Count; rank++)
        {
            var member = members[rank];
            if (member.Rank != rank)
                throw new ArgumentException($"Members stand in rank order without gaps; position {rank} holds rank {member.Rank}.", nameof(members));
            if (string.IsNullOrEmpty(member.Machine) || Encoding.UTF8.GetByteCount(member.Machine) > 200)
                throw new ArgumentException($"The machine of rank {rank} needs a name of 1 to 200 bytes.", nameof(members));
        }

        Job = job;
        Generation = generation;
        Members = [.. members];
        Key = key;
        Digest = ComputeDigest();
    }

    /// <summary>Job id.</summary>
    public string Job { get; }

    /// <summary>Generation of the membership.</summary>
    public int Generation { get; }

    /// <summary>Members in rank order.</summary>
    public IReadOnlyList<Member> Members { get; }

    /// <summary>The secret of the hand-shake, 32 bytes; never part of <see cref="Digest"/> or <see cref="ToString"/>.</summary>
    public byte[] Key { get; }

    /// <summary>Number of ranks.</summary>
    public int Size => Members.Count;

    /// <summary>SHA-256 (lower-case hexadecimal) over the canonical text of job, generation and members, without the key.</summary>
    public string Digest { get; }

    /// <summary>The member at a rank.</summary>
    public Member this[int rank] => Members[rank];

    /// <summary>The member on a machine (its lowest rank), or null.</summary>
    public Member? On(string machine) => Members.FirstOrDefault(member => member.Machine == machine);

    /// <inheritdoc/>
    public bool Equals(Topology? other) => other is not null && Digest == other.Digest && Key.AsSpan().SequenceEqual(other.Key);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Topology);

    /// <inheritdoc/>
    public override int GetHashCode() => Digest.GetHashCode(StringComparison.Ordinal);

    /// <summary>Whether two topologies are equal.</summary>
    public static bool operator ==(Topology? left, Topology? right) => Equals(left, right);

    /// <summary>Whether two topologies differ.</summary>
    public static bool operator !=(Topology? left, Topology? right) => !Equals(left, right);

    /// <inheritdoc/>
    public override string ToString() => $"{Job}/{Generation} [{string.Join(' ', Members.Select(member => member.Machine))}]";

    /// <summary>The edges of the ring in rank order: rank i to rank (i + 1) mod size. A single rank has none.</summary>
    internal IEnumerable<RingEdge> RingEdges()
    {
        if (Size == 1)
            yield break;
        foreach (var from in Members)
        {
            var to = Members[(from.Rank + 1) % Size];
            yield return new RingEdge(from.Rank, from.Machine, to.Rank, to.Machine);
        }
    }

    // Lengths before texts, so that no two topologies share a canonical text.
    private string ComputeDigest()
    {
        var text = new StringBuilder();
        text.Append(Job.Length).Append(':').Append(Job).Append('\n').Append(Generation).Append('\n');
        foreach (var member in Members)
            text.Append(member.Rank).Append(' ').Append(member.Machine.Length).Append(':').Append(member.Machine)
                .Append(' ').Append(member.Host.Length).Append(':').Append(member.Host).Append(' ').Append(member.Port).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
