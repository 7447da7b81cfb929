namespace TrainMover.Training.Session;

/// <summary>The roles of a job's machines: tensor- and data-parallel machines of a stage are alike, and so are middle stages, which leaves three (paper, general standby).</summary>
public static class JobRoles
{
    /// <summary>Whether replicas of two ranks are alike, so that one can go on with the other's state: data-parallel ranks are unless the optimizer is sharded.</summary>
    internal static bool AreAlike(SessionJob job, int rank, int other)
    {
        var (at, next) = (job.Layout.PositionOf(rank), job.Layout.PositionOf(other));
        return job.Recipe.ShardOptimizer ? at == next : (at.Pp, at.Tp) == (next.Pp, next.Tp);
    }

    /// <summary>Whether that holds for all ranks of two machines, in order.</summary>
    internal static bool AreAlike(SessionJob job, IReadOnlyList<int> ranks, IReadOnlyList<int> others) =>
        ranks.Count == others.Count && ranks.Zip(others).All(pair => AreAlike(job, pair.First, pair.Second));

    /// <summary>Ranks of one machine of each role, the middle stage's last: that one a standby keeps. Machines that hold several stages make one role.</summary>
    public static IReadOnlyList<IReadOnlyList<int>> Of(SessionJob job)
    {
        var (layout, machines) = (job.Layout, job.Layout.Size / job.Devices);
        int[] stages = [0, layout.Pp - 1, Math.Min(1, layout.Pp - 1)];
        return
        [
            .. stages
                .Select(stage => Enumerable.Range(0, machines).FirstOrDefault(machine => layout.PositionOf(machine * job.Devices).Pp == stage))
                .Reverse().Distinct().Reverse()
                .Select(machine => (IReadOnlyList<int>)[.. Enumerable.Range(machine * job.Devices, job.Devices)]),
        ];
    }
}
