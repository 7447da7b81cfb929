using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>What one rank, or all ranks of a group together, contribute to a commit.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct CommitShare(CommitBallot ballot, double squaredNorm, float loss, long step = 0)
{
    private readonly int _ready = ballot.Ready ? 1 : 0;
    private readonly int _generation = ballot.Generation;

    public CommitBallot Ballot => new(_ready != 0, _generation);

    /// <summary>The step that is committed.</summary>
    public long Step { get; } = step;

    public double SquaredNorm { get; } = squaredNorm;

    // Eight bytes, so that no padding with whatever was there goes over the wire.
    public double Loss { get; } = loss;
}

/// <summary>
/// The commit of a step: every rank's share is gathered over its data-parallel group and then over its model-parallel group, and folded in rank order, so all ranks of the job come to
/// the same verdict, and none does before every rank has entered.
/// </summary>
internal static class CommitCollective
{
    private const int Disagreed = -1;

    public static CommitVerdict Run(IRankGroups groups, CommitShare mine, bool normIsPartial)
    {
        var replicas = groups.DataParallel;
        if (replicas.Size > 1)
            mine = Gather(replicas, mine, addNorms: normIsPartial, lossFrom: replicas.Rank);
        if (groups.ModelParallel.Size > 1)
            mine = Gather(groups.ModelParallel, mine, addNorms: true, lossFrom: (groups.Layout.Pp - 1) * groups.Layout.Tp);

        var (passed, generation) = mine.Ballot;
        var ranks = replicas.Size;
        return new CommitVerdict(passed, passed && generation > 0 ? generation : 0, Math.Sqrt(mine.SquaredNorm) / ranks, (float)mine.Loss / ranks);
    }

    /// <summary>The shares of a group as one: ready if all are, for a generation that all vote for.</summary>
    public static CommitShare Fold(ReadOnlySpan<CommitShare> shares, bool addNorms, int lossFrom)
    {
        var (ready, generation) = shares[0].Ballot;
        var squaredNorm = shares[0].SquaredNorm;
        foreach (ref readonly var share in shares[1..])
        {
            ready &= share.Ballot.Ready;
            if (share.Ballot.Generation != generation)
                generation = Disagreed;
            if (addNorms)
                squaredNorm += share.SquaredNorm;
            if (share.Step != shares[0].Step)
                throw new InvalidOperationException($"Ranks of one group commit different steps: {shares[0].Step} and {share.Step}.");
        }

        return new CommitShare(new CommitBallot(ready, generation), squaredNorm, (float)shares[lossFrom].Loss, shares[0].Step);
    }

    private static CommitShare Gather(ICommunicator group, CommitShare mine, bool addNorms, int lossFrom)
    {
        const int OnStack = 64;
        Span<CommitShare> all = group.Size <= OnStack ? stackalloc CommitShare[group.Size] : new CommitShare[group.Size];
        group.AllGather(MemoryMarshal.AsBytes(new ReadOnlySpan<CommitShare>(ref mine)), MemoryMarshal.AsBytes(all));
        return Fold(all, addNorms, lossFrom);
    }
}
