namespace TrainMover.Worker;

/// <summary>
/// A worker without a rank (starting, warming up, preparing) yields the cores of its host to those that train: its agent starts it so. Linux shares
/// cores out by session where autogroup is on, and a session of its own is what a worker has; elsewhere nothing happens.
/// </summary>
internal static class ProcessorShare
{
    private const string Session = "/proc/self/autogroup";
    private const string Full = "0";
    private const int Attempts = 10;

    // Without privileges the system takes one change in a tenth of a second, from all processes together.
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(110);

    /// <summary>Takes a full share when the worker has a rank, or is warm or prepared.</summary>
    public static async Task ClaimAsync(Task ranked)
    {
        await ranked;
        for (var attempt = 0; attempt < Attempts && !TryClaim(); attempt++)
            await Task.Delay(Between);
    }

    private static bool TryClaim()
    {
        try
        {
            File.WriteAllText(Session, Full);
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return !File.Exists(Session);
        }
    }
}
