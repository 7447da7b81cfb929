namespace TrainMover.Training;

/// <summary>What device memory is for.</summary>
public enum MemoryOwner
{
    /// <summary>Flat parameters.</summary>
    Parameters,

    /// <summary>Flat gradients.</summary>
    Gradients,

    /// <summary>Moments of the optimizer.</summary>
    Moments,

    /// <summary>Second copy of another rank's moments.</summary>
    BackupMoments,
}

/// <summary>
/// Counts the device memory of a machine by owner: that of states, which a migration could grow. What libtorch takes inside a pass and gives back is not counted. Safe for use from
/// several threads at once.
/// </summary>
public sealed class DeviceMeter
{
    private readonly long[] _held = new long[Enum.GetValues<MemoryOwner>().Length];
    private long _allocated;

    /// <summary>Bytes that were ever allocated: the difference between two readings is what was allocated between them, whatever was freed.</summary>
    public long Allocated => Interlocked.Read(ref _allocated);

    /// <summary>Bytes that are held now.</summary>
    /// <param name="owner">What for.</param>
    public long Held(MemoryOwner owner) => Interlocked.Read(ref _held[(int)owner]);

    internal void Allocate(MemoryOwner owner, long bytes)
    {
        Interlocked.Add(ref _held[(int)owner], bytes);
        Interlocked.Add(ref _allocated, bytes);
    }

    internal void Free(MemoryOwner owner, long bytes) => Interlocked.Add(ref _held[(int)owner], -bytes);
}
