namespace TrainMover.Training.Session;

/// <summary>
/// Waits on the thread that a switch stands still for: no thread of the pool has to get its turn in between, and nothing is compiled in the pause, as the state machines of what a process does only once would be.
/// </summary>
internal static class BlockingWait
{
    /// <summary>Returns when the task has completed; throws what it failed with.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before.</exception>
    public static void Await(this Task task, CancellationToken ct)
    {
        Task.WaitAny([task], ct);
        task.GetAwaiter().GetResult();
    }
}
