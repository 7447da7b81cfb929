namespace TrainMover.Collectives;

/// <summary>
/// Memory that calls may send without copying it first: inside a host the system hands its pages themselves to the reader, and the call ends when they are read. Worth it for buffers of a megabyte and more that
/// calls use again and again, such as flat gradients. (NCCL's user buffer registration is the same idea.)
/// </summary>
/// <remarks>
/// A call that fails leaves its pages to the sockets that still refer to them, and moves the bytes to new pages at the same addresses. So only private memory of the process can be registered: not a file's, not the
/// garbage collector's, not what is pinned for a device.
/// </remarks>
public static unsafe class RegisteredMemory
{
    private static readonly Lock Changes = new();
    private static MemoryRegion[] _regions = [];

    /// <summary>Registers memory, and asks the system for large pages there: what is referred to in one piece costs less than a copy.</summary>
    /// <param name="region">What is registered, best before it is first touched; it stays valid until the registration ends.</param>
    /// <returns>The registration; disposing it ends it. No call may use the memory meanwhile.</returns>
    public static IDisposable Register(MemoryRegion region)
    {
        Pages.PreferLarge((byte*)region.Address, region.Length);
        var registration = new Registration(region);
        lock (Changes)
            _regions = [.. _regions, region];
        return registration;
    }

    /// <summary>Whether all of a stretch is registered.</summary>
    internal static bool Covers(byte* first, long length)
    {
        foreach (var region in Volatile.Read(ref _regions))
        {
            if ((nint)first >= region.Address && (nint)first - region.Address + length <= region.Length)
                return true;
        }

        return false;
    }

    private sealed class Registration(MemoryRegion region) : IDisposable
    {
        private bool _ended;

        public void Dispose()
        {
            lock (Changes)
            {
                if (_ended)
                    return;
                _ended = true;
                var index = Array.IndexOf(_regions, region);
                _regions = [.. _regions[..index], .. _regions[(index + 1)..]];
            }
        }
    }
}
