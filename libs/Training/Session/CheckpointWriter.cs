namespace TrainMover.Training.Session;

/// <summary>
/// Writes one rank's checkpoints while training goes on: the state is copied between two steps and written in the background. A checkpoint that is due while the one before is still
/// being written waits for it: were it left out on some ranks only, no step would be whole.
/// </summary>
internal sealed class CheckpointWriter
{
    private const int KeptSteps = 2;
    private readonly CheckpointSnapshot _snapshot = new();
    private Task _writing = Task.CompletedTask;

    /// <summary>Why the last write failed, in one plain sentence; null when it did not. The next one is tried all the same.</summary>
    public string? Failure { get; private set; }

    public void Write(SessionJob job, LocalRank rank)
    {
        Complete();
        var step = rank.Replica.Step;
        var number = rank.Rank;
        _snapshot.Take(rank.Replica, job.Name);
        _writing = Task.Run(() =>
        {
            try
            {
                _snapshot.Save(CheckpointStore.FileOf(job, step, number));
                Failure = null;
                Prune(job, step, number);
            }
            catch (Exception broken) when (broken is IOException or UnauthorizedAccessException)
            {
                Failure = broken.Message;
            }
        });
    }

    /// <summary>Waits for what is being written.</summary>
    public void Complete() => _writing.GetAwaiter().GetResult();

    // The initial checkpoint stays: shadow iterations start from it. One older step is kept for the case that the newest is torn.
    private static void Prune(SessionJob job, long newest, int rank)
    {
        foreach (var step in CheckpointStore.Steps(job).Where(step => step > 0 && step <= newest - ((long)KeptSteps * job.CheckpointEvery)))
            File.Delete(CheckpointStore.FileOf(job, step, rank));
    }
}
