using System.Runtime.ExceptionServices;

namespace TrainMover.Training.Tests;

/// <summary>Runs the ranks of a layout, each on a thread; a rank that fails ends the groups of all.</summary>
internal static class Ranks
{
    public static void Run(ThreadGroups[] groups, Action<ThreadGroups> rank)
    {
        var first = default(ExceptionDispatchInfo);
        var threads = groups.Select(own => new Thread(() =>
        {
            try
            {
                rank(own);
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref first, ExceptionDispatchInfo.Capture(error), null);
                own.Fail(error.Message);
            }
        })
        { Name = $"rank {own.Rank}" }).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        first?.Throw();
    }
}
