using System.Runtime.InteropServices;

namespace TrainMover.Training;

/// <summary>
/// Processor time that the calling thread spent on its own work: what it spent in collectives, waiting for peers and moving bytes, is left out. So a worker that computes longer is told from
/// those that wait for it. A reading costs one call of the system and allocates nothing.
/// </summary>
internal static unsafe partial class ComputeClock
{
    private const int ThreadProcessorTime = 3;
    private const long NanosecondsPerSecond = 1_000_000_000;

    [ThreadStatic]
    private static long _inCollectives;

    /// <summary>Own processor time of the calling thread in nanoseconds; only differences mean something.</summary>
    public static long Now() => Spent() - _inCollectives;

    /// <summary>A collective begins on the calling thread, and lasts until what is returned is disposed there.</summary>
    public static Call InCollective() => new(Spent());

    private static long Spent()
    {
        TimeSpecification time;
        return Read(ThreadProcessorTime, &time) == 0 ? (time.Seconds * NanosecondsPerSecond) + time.Nanoseconds : 0;
    }

    /// <summary>A collective that a thread is in.</summary>
    public readonly ref struct Call(long entered)
    {
        /// <summary>The collective is over.</summary>
        public void Dispose() => _inCollectives += Spent() - entered;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int Read(int clock, TimeSpecification* time);
}
