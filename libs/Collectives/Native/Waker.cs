namespace TrainMover.Collectives;

/// <summary>
/// Where one thread sleeps until others have something for it. The sleeper says so, looks once more, and sleeps; the others publish, and wake it only when it has said so.
/// </summary>
internal sealed class Waker : IDisposable
{
    private readonly Signal _signal = new();
    private int _sleeping;

    // The first use of a function of the system allocates: here, and not in somebody's call.
    public unsafe Waker()
    {
        _signal.Set();
        _signal.Reset();
        _ = Libc.Poll(null, 0, 0);
    }

    /// <summary>Readable when the sleeper is to wake up.</summary>
    public int Descriptor => _signal.Descriptor;

    /// <summary>From here on a <see cref="Wake"/> is not lost.</summary>
    public void Announce() => Interlocked.Exchange(ref _sleeping, 1);

    /// <summary>Ends what <see cref="Announce"/> began.</summary>
    public void Awake()
    {
        if (Interlocked.Exchange(ref _sleeping, 0) == 0)
            _signal.Reset();
    }

    /// <summary>After publishing: wakes the sleeper, if there is one.</summary>
    public void Wake()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _sleeping) == 1 && Interlocked.Exchange(ref _sleeping, 0) == 1)
            _signal.Set();
    }

    /// <summary>Wakes whoever sleeps here now or next.</summary>
    public void Interrupt() => _signal.Set();

    public void Dispose() => _signal.Dispose();
}
