namespace TrainMover.Training;

/// <summary>
/// What a recorded step takes on the managed heap, about as much as the model's gradients. Training allocates next to nothing, so that no collection would ever give it back; and the more memory a worker holds, the longer the system
/// takes to end it when it is killed, on cores that others wait for.
/// </summary>
internal static class RecordMemory
{
    /// <summary>As <see cref="GiveBack"/>, when a task is done: before, it refers to what it was given itself.</summary>
    public static async Task GiveBackAfterAsync(Task user)
    {
        await user.ConfigureAwait(false);
        GiveBack();
    }

    /// <summary>Gives back to the system what nobody refers to any more.</summary>
    public static void GiveBack() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
