using System.Text;

namespace TrainMover.Collectives;

/// <summary>
/// Who belongs to one generation of a job, and how its ranks work together. A machine may hold several ranks, one per device; the ranks of a tensor-parallel group are on one machine.
/// Equal when job, generation, layout, channels, ring order, members and key are equal.
/// </summary>
public sealed class Topology : IEquatable<Topology>
{
    /// <summary>Length of <see cref="Key"/> in bytes.</summary>
    public const int KeyBytes = 32;

    /// <summary>Most channels of a group.</summary>
    public const int MostChannels = 16;

    private readonly Member[] _members;
    private readonly MachineIndex _machines;
    private readonly byte[] _pages;

    /// <summary>A topology of data-parallel ranks only, with one channel.</summary>
    /// <inheritdoc cref="Topology(string, int, ParallelLayout, IReadOnlyList{Member}, byte[], int, IReadOnlyList{int}, bool)"/>
    public Topology(string job, int generation, IReadOnlyList<Member> members, byte[] key)
        : this(job, generation, new ParallelLayout(Math.Max(1, members?.Count ?? 0)), members!, key)
    {
    }

    /// <summary>Checks and keeps a topology.</summary>
    /// <param name="job">Job id; not empty, at most 200 UTF-8 bytes.</param>
    /// <param name="generation">Generation of the membership; 0 or more, rising with each migration.</param>
    /// <param name="layout">Degrees of parallelism; their product is the number of members.</param>
    /// <param name="members">At least one, ordered by rank without gaps. A machine has one address; a tensor-parallel group is on one machine.</param>
    /// <param name="key">The 32 secret bytes that prove membership in the hand-shake.</param>
    /// <param name="channels">Rings per group, from 1 (the default) to <see cref="MostChannels"/>; every member takes the number from here.</param>
    /// <param name="ringOrder">All ranks in the order of the ring, for a layout of data parallelism only; null: rank order. A rank's place in it is its rank in the group.</param>
    /// <param name="trees">Whether groups of three or more ranks have double binary trees beside their rings, for calls of few bytes.</param>
    /// <exception cref="ArgumentException">A rule above is broken.</exception>
    public Topology(
        string job,
        int generation,
        ParallelLayout layout,
        IReadOnlyList<Member> members,
        byte[] key,
        int channels = 1,
        IReadOnlyList<int>? ringOrder = null,
        bool trees = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(job);
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(members);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfNegative(generation);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(channels, MostChannels);
        if (Encoding.UTF8.GetByteCount(job) > 200)
            throw new ArgumentException("A job id has at most 200 bytes.", nameof(job));
        if (key.Length != KeyBytes)
            throw new ArgumentException($"The key has {KeyBytes} bytes, not {key.Length}.", nameof(key));
        if (members.Count == 0)
            throw new ArgumentException("A topology has at least one member.", nameof(members));

        Job = job;
        Generation = generation;
        Layout = layout;
        Channels = channels;
        HasTrees = trees;
        RingOrder = ringOrder is null ? null : [.. ringOrder];
        _members = [.. members];
        Key = key;
        TopologyRules.Check(this);
        _machines = new MachineIndex(_members);
        _pages = TopologyDigest.PagesOf(_members);
        Digest = TopologyDigest.Of(this, _pages);
    }

    private Topology(Topology before, int generation, Member[] members, MachineIndex machines, IEnumerable<int> changedRanks)
    {
        (Job, Generation, Layout, Channels, RingOrder, HasTrees, Key) = (before.Job, generation, before.Layout, before.Channels, before.RingOrder, before.HasTrees, before.Key);
        _members = members;
        _machines = machines;
        _pages = TopologyDigest.PagesOf(members, before._pages, changedRanks);
        Digest = TopologyDigest.Of(this, _pages);
    }

    /// <summary>Job id.</summary>
    public string Job { get; }

    /// <summary>Generation of the membership.</summary>
    public int Generation { get; }

    /// <summary>Degrees of parallelism.</summary>
    public ParallelLayout Layout { get; }

    /// <summary>Rings per group.</summary>
    public int Channels { get; }

    /// <summary>Whether groups of three or more ranks have trees.</summary>
    public bool HasTrees { get; }

    /// <summary>All ranks in the order of the ring, where it is not the order of ranks.</summary>
    public IReadOnlyList<int>? RingOrder { get; }

    /// <summary>Members in rank order.</summary>
    public IReadOnlyList<Member> Members => _members;

    /// <summary>Names of the machines, in no particular order.</summary>
    public IReadOnlyCollection<string> Machines => _machines.Machines;

    /// <summary>The secret of the hand-shake, 32 bytes; never part of <see cref="Digest"/> or <see cref="ToString"/>.</summary>
    public byte[] Key { get; }

    /// <summary>Number of ranks.</summary>
    public int Size => _members.Length;

    /// <summary>SHA-256 (lower-case hexadecimal) over job, generation, layout, channels, trees, ring order and members, without the key.</summary>
    public string Digest { get; }

    /// <summary>The member at a rank.</summary>
    public Member this[int rank] => _members[rank];

    /// <summary>The member on a machine (its lowest rank), or null.</summary>
    public Member? On(string machine) => _machines[machine] is [var lowest, ..] ? _members[lowest] : null;

    /// <summary>The ranks that a machine holds, ascending; none when it is not in the topology.</summary>
    public IReadOnlyList<int> RanksOf(string machine) => _machines[machine];

    /// <summary>The ranks of a group in the order of its rings.</summary>
    public IReadOnlyList<int> RanksOf(GroupId group) => group.Kind == GroupKind.DataParallel && RingOrder is not null ? RingOrder : Layout.RanksOf(group);

    /// <summary>The same job with whole machines replaced: ranks, layout, channels and key stay. Costs what changes, not the size of the job.</summary>
    /// <param name="generation">Generation of the new topology, above this one.</param>
    /// <param name="replacements">Who takes whose ranks.</param>
    /// <exception cref="ArgumentException">A leaver is not in the topology or is named twice, a joiner is in it already, or the generation does not rise.</exception>
    public Topology Next(int generation, params IReadOnlyCollection<MachineReplacement> replacements)
    {
        ArgumentNullException.ThrowIfNull(replacements);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(generation, Generation);
        if (replacements.Select(replacement => replacement.Leaver).Distinct(StringComparer.Ordinal).Count() != replacements.Count)
            throw new ArgumentException("A machine leaves once.", nameof(replacements));
        var members = (Member[])_members.Clone();
        var changed = new List<int>();
        foreach (var replacement in replacements)
        {
            var ranks = _machines[replacement.Leaver];
            if (ranks.Length == 0)
                throw new ArgumentException($"{replacement.Leaver} is not in {this}: it cannot leave.", nameof(replacements));
            foreach (var rank in ranks)
            {
                members[rank] = new Member(rank, replacement.Joiner, replacement.Host, replacement.Port);
                TopologyRules.CheckMember(members[rank], rank);
            }

            changed.AddRange(ranks);
        }

        return new Topology(this, generation, members, _machines.Replacing(replacements), changed);
    }

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
    public override string ToString() => Size <= 64
        ? $"{Job}/{Generation} [{string.Join(' ', _members.Select(member => member.Machine))}]"
        : $"{Job}/{Generation} [{Layout} on {Machines.Count} machines]";

    /// <summary>Whether both wire their ranks in the same way, whoever holds them.</summary>
    internal bool HasShapeOf(Topology other) =>
        Layout == other.Layout && Channels == other.Channels && HasTrees == other.HasTrees && (RingOrder ?? []).SequenceEqual(other.RingOrder ?? []);

    /// <summary>Where a rank runs: its machine's process, and which of its devices.</summary>
    internal Device DeviceOf(int rank)
    {
        var member = _members[rank];
        return new Device(member.Machine, member.Host, member.Port, Array.IndexOf(_machines[member.Machine], rank));
    }
}
