namespace TrainMover.Training.Session;

/// <summary>The roles of a job's machines: tensor- and data-parallel machines of a stage are alike, and so are middle stages, which leaves three (paper, general standby).</summary>
public static class JobRoles
{
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
