namespace TrainMover.Collectives;

/// <summary>Where a rank stands in a layout; each coordinate from 0.</summary>
/// <param name="Dp">Data-parallel coordinate: ranks that differ in it alone hold equal parameters.</param>
/// <param name="Pp">Pipeline stage.</param>
/// <param name="Tp">Tensor-parallel coordinate.</param>
public readonly record struct RankPosition(int Dp, int Pp, int Tp);

/// <summary>
/// Degrees of parallelism. Ranks are numbered with the tensor-parallel coordinate running fastest, then the data-parallel one, then the pipeline stage (the order of
/// Megatron-LM), so that the ranks of one tensor-parallel group are neighbours and share a machine.
/// </summary>
/// <param name="Dp">Data-parallel degree, at least 1.</param>
/// <param name="Pp">Number of pipeline stages, at least 1.</param>
/// <param name="Tp">Tensor-parallel degree, at least 1.</param>
public sealed record ParallelLayout(int Dp, int Pp = 1, int Tp = 1)
{
    /// <summary>Number of ranks.</summary>
    public int Size => Dp * Pp * Tp;

    /// <summary>Checks the degrees.</summary>
    /// <exception cref="InvalidOperationException">A degree is below 1, or their product does not fit.</exception>
    public void Validate()
    {
        if (Dp < 1 || Pp < 1 || Tp < 1 || (long)Dp * Pp * Tp > int.MaxValue)
            throw new InvalidOperationException($"Degrees of parallelism are at least 1, and so few that ranks can be counted: not {this}.");
    }

    /// <summary>Position of a rank.</summary>
    /// <param name="rank">Rank, from 0 to <see cref="Size"/> - 1.</param>
    public RankPosition PositionOf(int rank) => new(rank / Tp % Dp, rank / (Tp * Dp), rank % Tp);

    /// <summary>Rank at a position.</summary>
    public int RankAt(RankPosition position) => position.Tp + (Tp * (position.Dp + (Dp * position.Pp)));

    /// <summary>The groups that a rank belongs to, always in the same order; those of a single rank are left out.</summary>
    public IEnumerable<GroupId> GroupsOf(int rank)
    {
        var at = PositionOf(rank);
        if (Dp > 1)
            yield return new GroupId(GroupKind.DataParallel, RankAt(at with { Dp = 0 }));
        if (Tp > 1)
            yield return new GroupId(GroupKind.TensorParallel, RankAt(at with { Tp = 0 }));
        if (Pp * Tp > 1)
            yield return new GroupId(GroupKind.ModelParallel, RankAt(at with { Pp = 0, Tp = 0 }));
        if (at.Pp > 0)
            yield return new GroupId(GroupKind.Stages, RankAt(at with { Pp = at.Pp - 1 }));
        if (at.Pp < Pp - 1)
            yield return new GroupId(GroupKind.Stages, rank);
        if (Pp > 1 && (at.Pp == 0 || at.Pp == Pp - 1))
            yield return new GroupId(GroupKind.Embedding, RankAt(at with { Pp = 0 }));
    }

    /// <summary>The ranks of a group in the order of its rings.</summary>
    public IReadOnlyList<int> RanksOf(GroupId group)
    {
        var at = PositionOf(group.First);
        return group.Kind switch
        {
            GroupKind.DataParallel => [.. Enumerable.Range(0, Dp).Select(dp => RankAt(at with { Dp = dp }))],
            GroupKind.TensorParallel => [.. Enumerable.Range(0, Tp).Select(tp => RankAt(at with { Tp = tp }))],
            GroupKind.ModelParallel => [.. Enumerable.Range(0, Pp * Tp).Select(index => RankAt(at with { Pp = index / Tp, Tp = index % Tp }))],
            GroupKind.Stages => [group.First, RankAt(at with { Pp = at.Pp + 1 })],
            GroupKind.Embedding => [group.First, RankAt(at with { Pp = Pp - 1 })],
            _ => throw new ArgumentOutOfRangeException(nameof(group), group, "Not a kind of group."),
        };
    }

    /// <inheritdoc/>
    public override string ToString() => $"dp{Dp} x pp{Pp} x tp{Tp}";
}
