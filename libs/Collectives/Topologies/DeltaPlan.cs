namespace TrainMover.Collectives;

/// <summary>
/// The least set of data connections that changes between two topologies (the paper's delta plan), at the level of group, channel and edge. Pure: every participant computes the same one
/// from the two topologies alone. Edges of <see cref="Kept"/>, <see cref="Inherited"/> and <see cref="Added"/> carry ranks of the new topology, those of <see cref="Removed"/>
/// ranks of the old one. Where layout, channels and ring order stay, only groups that a changed rank is in are looked at, so the cost follows the change and not the job.
/// </summary>
public sealed class DeltaPlan
{
    private readonly Topology? _from;
    private readonly Topology _to;
    private readonly DeltaChanges _changes;
    private readonly Lazy<(IReadOnlyList<RingEdge> Kept, IReadOnlyList<RingEdge> Inherited)> _stays;

    private DeltaPlan(Topology? from, Topology to, bool reuse)
    {
        _from = from;
        _to = to;
        _changes = DeltaChanges.Between(from, to, reuse);
        Digest = _changes.DigestFrom(from, to, reuse);
        _stays = new Lazy<(IReadOnlyList<RingEdge>, IReadOnlyList<RingEdge>)>(ListStays);
    }

    /// <summary>Edges between machines that are in both topologies, between the same two processes and devices: their sockets live on.</summary>
    public IReadOnlyList<RingEdge> Kept => _stays.Value.Kept;

    /// <summary>Edges inside a machine that are in both topologies.</summary>
    public IReadOnlyList<RingEdge> Inherited => _stays.Value.Inherited;

    /// <summary>Edges of the old topology that the new one lacks.</summary>
    public IReadOnlyList<RingEdge> Removed => _changes.Removed;

    /// <summary>Edges of the new topology that the old one lacks.</summary>
    public IReadOnlyList<RingEdge> Added => _changes.Added;

    /// <summary>SHA-256 (lower-case hexadecimal) over the old topology's digest, the new generation, and the sorted changes of places and connections of the whole job.</summary>
    public string Digest { get; }

    /// <summary>The plan that leads from one topology to the next.</summary>
    /// <param name="from">The topology in force.</param>
    /// <param name="to">The next one of the same job.</param>
    /// <param name="reuse">False: every connection is made anew, as if there were no delta; to measure what the delta saves.</param>
    /// <exception cref="ArgumentException">The jobs differ, or the generation does not rise.</exception>
    public static DeltaPlan Compute(Topology from, Topology to, bool reuse = true)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        if (from.Job != to.Job)
            throw new ArgumentException($"A plan stays in one job: {from.Job} is not {to.Job}.", nameof(to));
        if (to.Generation <= from.Generation)
            throw new ArgumentException($"Generation {to.Generation} does not follow {from.Generation}.", nameof(to));
        return new DeltaPlan(from, to, reuse);
    }

    /// <summary>The plan of a first generation: every edge is added.</summary>
    public static DeltaPlan Fresh(Topology to)
    {
        ArgumentNullException.ThrowIfNull(to);
        return new DeltaPlan(null, to, reuse: false);
    }

    /// <summary>What a switch does to the connections of one machine; each connection that it is an end of counts once.</summary>
    public ConnectionCounts For(string machine) => PartOf(machine).Counts;

    internal MachinePart PartOf(string machine)
    {
        var added = Added.Where(edge => edge.Touches(machine)).ToHashSet();
        var stays = _from is null
            ? []
            : GroupEdges.Of(_to, machine).Where(edge => !added.Contains(edge)).Select(edge => (_changes.OldOf(edge), edge)).ToList();
        return new MachinePart(stays, [.. Removed.Where(edge => edge.Touches(machine))], added);
    }

    private (IReadOnlyList<RingEdge> Kept, IReadOnlyList<RingEdge> Inherited) ListStays()
    {
        var added = Added.ToHashSet();
        List<RingEdge> kept = [], inherited = [];
        if (_from is null)
            return (kept, inherited);
        foreach (var edge in GroupEdges.Of(_to))
        {
            if (!added.Contains(edge))
                (edge.IsIntraMachine ? inherited : kept).Add(edge);
        }

        if (_to.RingOrder is not null)
        {
            kept.Sort(RingEdge.Compare);
            inherited.Sort(RingEdge.Compare);
        }

        return (kept, inherited);
    }
}
