namespace TrainMover.Training.Session;

/// <summary>
/// Which ranks record the first step, and where the records are. Data-parallel replicas do the same, and so do the middle stages of a pipeline: one of each role is
/// recorded (paper, at most three roles).
/// </summary>
public static class StepRecords
{
    /// <summary>Whether a rank records its first step.</summary>
    public static bool IsRecorded(SessionJob job, int rank) => job.Techniques.Sandbox && RecordedFor(job, rank) == rank;

    /// <summary>The rank whose record serves another: same role, same tensor-parallel coordinate.</summary>
    public static int RecordedFor(SessionJob job, int rank)
    {
        var (layout, at) = (job.Layout, job.Layout.PositionOf(rank));
        var stage = at.Pp == 0 || at.Pp == layout.Pp - 1 ? at.Pp : 1;
        return layout.RankAt(at with { Dp = 0, Pp = stage });
    }

    /// <summary>Folder of a rank's record.</summary>
    public static string FolderOf(SessionJob job, int rank) => Path.Combine(RootOf(job), NameOf(job, rank));

    /// <summary>Name of a rank's record among those of its job.</summary>
    public static string NameOf(SessionJob job, int rank) => $"rank-{RecordedFor(job, rank)}";

    /// <summary>The records of a job. Those of its ranks are in use; others were left by an earlier layout.</summary>
    /// <param name="job">The job.</param>
    /// <param name="mostBytes">Most bytes of contents.</param>
    public static StepRecordStore StoreOf(SessionJob job, long mostBytes) =>
        new(RootOf(job), mostBytes, Enumerable.Range(0, job.Layout.Size).Select(rank => NameOf(job, rank)).ToHashSet(StringComparer.Ordinal));

    private static string RootOf(SessionJob job) => Path.Combine(job.Directory, "first-step");
}
