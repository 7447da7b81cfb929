using System.Runtime.InteropServices;

namespace TrainMover.Training.Session;

/// <summary>
/// How long one rank's thread computed in a step, and on which processor cores. Cores are not equally fast at all times, where others use them too; who shares one with a peer is told from who is slow. Only the thread that began a step
/// is watched: what others say is not taken in. Marking allocates nothing.
/// </summary>
internal sealed partial class CoreTimes
{
    private const double NanosecondsPerMillisecond = 1e6;
    private readonly long[] _spent = new long[Environment.ProcessorCount];
    private int _thread;
    private int _core;
    private long _began;
    private long _at;

    /// <summary>A step begins on the calling thread.</summary>
    public void Begin()
    {
        Array.Clear(_spent);
        (_thread, _core, _began) = (Environment.CurrentManagedThreadId, CoreNow(), ComputeClock.Now());
        _at = _began;
    }

    /// <summary>Credits what was computed since the last mark: to the core that the thread is on, and to the one that it was on.</summary>
    public void Mark()
    {
        if (_thread != Environment.CurrentManagedThreadId)
            return;
        var (core, now) = (CoreNow(), ComputeClock.Now());
        Credit(_core, (now - _at) / 2);
        Credit(core, (now - _at) / 2);
        (_core, _at) = (core, now);
    }

    /// <summary>The step is over, on the thread that began it: what that spent in all, and on each core that it was on.</summary>
    public OwnTime End()
    {
        Mark();
        return new OwnTime(
            (_at - _began) / NanosecondsPerMillisecond,
            [.. _spent.Index().Where(core => core.Item > 0).Select(core => new CoreShare(core.Index, core.Item / NanosecondsPerMillisecond))]);
    }

    // Processors may be numbered beyond how many there are for this process.
    private void Credit(int core, long nanoseconds)
    {
        if (core >= 0 && core < _spent.Length)
            _spent[core] += nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "sched_getcpu")]
    private static partial int CoreNow();
}

/// <summary>What a rank's thread computed in a step, in milliseconds of processor time, and how that divides among cores.</summary>
internal sealed record OwnTime(double Milliseconds, IReadOnlyList<CoreShare> Cores);
