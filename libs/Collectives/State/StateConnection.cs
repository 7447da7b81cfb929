using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>
/// A connection between two machines of a migration, for state that moves while training goes on. Native memory goes out and comes in without a copy of its own. Sending and
/// receiving may run on two threads at once; each of them on one at a time.
/// </summary>
public sealed unsafe class StateConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly string _peer;
    private readonly TimeSpan _patience;

    internal StateConnection(Socket socket, string peer, TimeSpan patience) => (_socket, _peer, _patience) = (socket, peer, patience);

    /// <summary>Sends all of a stretch of memory.</summary>
    /// <exception cref="GroupSetupException">The connection broke, or nothing moved for <see cref="CollectivesOptions.CallDeadline"/>.</exception>
    public void Send(MemoryRegion region) => Guarded(() => Wire.Send(_socket, (byte*)region.Address, region.Length, _patience));

    /// <summary>Sends bytes; errors as in <see cref="Send(MemoryRegion)"/>.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
            Send(new MemoryRegion((nint)first, bytes.Length));
    }

    /// <summary>Fills a stretch of memory.</summary>
    /// <param name="region">Where the bytes go.</param>
    /// <param name="patience">Longest time without any byte; null for <see cref="CollectivesOptions.CallDeadline"/>.</param>
    /// <exception cref="GroupSetupException">The connection broke, or nothing came in time.</exception>
    public void Receive(MemoryRegion region, TimeSpan? patience = null) =>
        Guarded(() => Wire.Receive(_socket, (byte*)region.Address, region.Length, patience ?? _patience));

    /// <summary>Fills a buffer; errors as in <see cref="Receive(MemoryRegion, TimeSpan?)"/>.</summary>
    public void Receive(Span<byte> bytes, TimeSpan? patience = null)
    {
        fixed (byte* first = bytes)
            Receive(new MemoryRegion((nint)first, bytes.Length), patience);
    }

    /// <summary>Ends sending and receiving at once, from any thread.</summary>
    public void Cancel() => Wire.Reset(_socket);

    /// <summary>Closes the connection; nobody may be sending or receiving.</summary>
    public void Dispose() => _socket.Dispose();

    private void Guarded(Action move)
    {
        try
        {
            move();
        }
        catch (Exception broken) when (broken is IOException or TimeoutException or ObjectDisposedException)
        {
            throw new GroupSetupException($"The state connection with {_peer} broke: {broken.Message}.", _peer, broken);
        }
    }
}
