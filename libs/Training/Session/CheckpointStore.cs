using System.Globalization;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>
/// A job's checkpoints on shared storage: a folder per step, a file per rank that has something of its own (one of each data-parallel group; all of them where the optimizer is
/// sharded). A step counts when every file of it is whole.
/// </summary>
public static class CheckpointStore
{
    /// <summary>Whether a rank writes checkpoints.</summary>
    public static bool Writes(SessionJob job, int rank) => WriterOf(job, rank) == rank;

    /// <summary>File of a rank's state after a number of steps.</summary>
    public static string FileOf(SessionJob job, long step, int rank) => Path.Combine(FolderOf(job, step), $"rank-{WriterOf(job, rank)}.safetensors");

    /// <summary>Writes the state from which a job starts, where the rank is one that writes.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void SaveInitial(SessionJob job, int rank, Replica replica)
    {
        if (Writes(job, rank))
            Checkpoint.Save(FileOf(job, 0, rank), replica, job.Name);
    }

    /// <summary>Whether the initial state of a rank is there.</summary>
    public static bool HasInitial(SessionJob job, int rank) => File.Exists(FileOf(job, 0, rank));

    /// <summary>Loads a rank's state after a number of steps.</summary>
    /// <exception cref="CheckpointException">The file is missing, torn, altered, or does not fit.</exception>
    public static void Load(SessionJob job, long step, int rank, Replica replica) => Checkpoint.Load(FileOf(job, step, rank), replica);

    /// <summary>The newest step whose every file is whole; files that are torn or altered make an older one count.</summary>
    /// <exception cref="CheckpointException">There is none.</exception>
    public static long NewestWhole(SessionJob job)
    {
        foreach (var step in Steps(job))
        {
            if (Enumerable.Range(0, job.Layout.Size).Where(rank => Writes(job, rank)).All(rank => Checkpoint.IsWhole(FileOf(job, step, rank))))
                return step;
        }

        throw new CheckpointException(Root(job), "no step of it is whole");
    }

    /// <summary>Steps of which there is something, newest first.</summary>
    public static IReadOnlyList<long> Steps(SessionJob job) => Directory.Exists(Root(job))
        ? [.. Directory.EnumerateDirectories(Root(job)).Select(Path.GetFileName)
            .Where(name => long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(name => long.Parse(name!, CultureInfo.InvariantCulture)).OrderDescending()]
        : [];

    internal static string FolderOf(SessionJob job, long step) => Path.Combine(Root(job), step.ToString("D8", CultureInfo.InvariantCulture));

    private static string Root(SessionJob job) => Path.Combine(job.Directory, "checkpoints");

    private static int WriterOf(SessionJob job, int rank) =>
        job.Recipe.ShardOptimizer ? rank : job.Layout.RankAt(job.Layout.PositionOf(rank) with { Dp = 0 });
}
