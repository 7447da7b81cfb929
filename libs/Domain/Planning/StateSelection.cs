using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Domain.Jobs;

namespace TrainMover.Domain.Planning;

/// <summary>From where the joiners of a plan can get their state (paper, state): the leaver while it lives, else a copy that survives, else a checkpoint.</summary>
public static class StateSelection
{
    /// <summary>The best source that serves every rank that moves.</summary>
    /// <param name="job">The job on the membership that is left.</param>
    /// <param name="kind">Whether the leavers live.</param>
    /// <param name="leaves">Whether a machine leaves.</param>
    public static StateSource Best(Job job, InterruptionKind kind, Func<string, bool> leaves)
    {
        if (kind == InterruptionKind.Expected) return StateSource.Leaver;
        var places = job.Topology!.Ranks;
        return places.Where(place => leaves(place.MachineId)).All(place => HasCopy(job, place.Rank, rank => !leaves(places[rank].MachineId)))
            ? StateSource.DataParallelPeer
            : StateSource.Checkpoint;
    }

    private static bool HasCopy(Job job, int rank, Func<int, bool> lives)
    {
        var (layout, own) = (job.Spec!.Layout, job.Spec.Layout.CoordinateOf(rank));
        var replicas = Enumerable.Range(1, layout.Dp - 1).Select(distance => layout.Replica(rank, own + distance)).ToList();

        // A sharded optimizer has two copies of each part: the second one is with the next data-parallel rank.
        return job.Spec.ShardOptimizer ? replicas.Count > 0 && lives(replicas[0]) : replicas.Exists(replica => lives(replica));
    }
}
