using System.Diagnostics;

namespace TrainMover.Collectives.Tests;

internal static class Bounded
{
    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (!holds())
        {
            if (Stopwatch.GetElapsedTime(started) > Cluster.Patience)
                throw new TimeoutException($"Waited {Cluster.Patience} for {what}.");
            await Task.Yield();
        }
    }
}
