using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>
/// Joiners of one plan that take whole pipelines together: they run their shadow iteration as one sandbox, in which what the stages exchange is real, and the record answers only what crosses
/// the boundary of the batch (paper, batch migration).
/// </summary>
/// <param name="Inside">The machines of the batch as a job of their own, whose ranks are in the order of the ranks that they take.</param>
/// <param name="Recorded">The ranks whose records serve them.</param>
internal sealed record ShadowBatch(Topology Inside, IReadOnlySet<int> Recorded)
{
    // Of the middle stages one is recorded: the neighbour of another one would not send what the record expects.
    private const int MostStages = 3;

    /// <summary>
    /// The batch to which a joiner belongs, the same for all its machines. Null where it is rehearsed alone: whole pipelines do not move, or it holds all their stages itself, or nobody may wait for others because training
    /// stands still.
    /// </summary>
    public static ShadowBatch? Of(PrepareRequest request, string machine)
    {
        var (to, layout) = (request.To, request.To.Layout);
        if (!request.Expected || layout.Pp is 1 or > MostStages)
            return null;

        var pipelines = to.RanksOf(machine).Select(PipelineOf).ToHashSet();
        var batch = to.Members.Where(member => pipelines.Contains(PipelineOf(member.Rank))).ToList();
        var machines = batch.Select(member => member.Machine).ToHashSet(StringComparer.Ordinal);
        if (machines.Count == 1 || machines.Sum(other => to.RanksOf(other).Count) != batch.Count || !machines.IsSubsetOf(request.Moves.Select(move => move.Joiner)))
            return null;

        var inside = new ParallelLayout(pipelines.Count, layout.Pp, layout.Tp);
        return new ShadowBatch(
            new Topology($"{to.Job}/sandbox", to.Generation, inside, [.. batch.Select((member, rank) => member with { Rank = rank })], to.Key),
            batch.Select(member => StepRecords.RecordedFor(request.Job, member.Rank)).ToHashSet());

        int PipelineOf(int rank) => layout.PositionOf(rank).Dp;
    }
}
