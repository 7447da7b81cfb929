using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>
/// This process's end of a connection that carries nothing and only breaks when a process does. The kernel ends a killed process thread by thread and gives its memory back before it closes what the threads
/// share, so that peers learn from an ordinary connection only after that. A lifeline belongs to one thread (<see cref="HoldingThread"/>), and breaks when that thread ends: at once. A farewell on it tells a connection
/// that is given up from one that broke.
/// </summary>
internal sealed class Lifeline
{
    /// <summary>The only byte that ever travels: there is no longer anything to learn from this connection.</summary>
    public const byte Farewell = 1;

    private readonly HoldingThread _holder;
    private readonly int _slot;
    private int _given;

    private Lifeline(HoldingThread holder, int slot) => (_holder, _slot) = (holder, slot);

    /// <summary>Whether the peer's process has ended; false once this end was given up.</summary>
    public bool HasBroken => Volatile.Read(ref _given) == 0 && _holder.HasBroken(_slot);

    /// <summary>Gives a connection to the holding thread; here it is closed. Null where that cannot be: the peer is told that it will learn of an end here from the other connections only.</summary>
    /// <param name="socket">The connection.</param>
    /// <param name="wake">Set when it breaks.</param>
    /// <param name="holder">Null where there is none.</param>
    public static Lifeline? Hold(Socket socket, Signal wake, HoldingThread? holder)
    {
        using (socket)
        {
            if (holder?.TryHold(Wire.DescriptorOf(socket), wake.Descriptor) is { } slot)
                return new Lifeline(holder, slot);
            Decline(socket);
            return null;
        }
    }

    /// <summary>Closes a connection that nobody holds, and tells the peer.</summary>
    public static unsafe void Decline(Socket socket)
    {
        var farewell = Farewell;
        _ = Wire.TrySend(Wire.DescriptorOf(socket), &farewell, 1);
        socket.Dispose();
    }

    /// <summary>Closes it with a farewell.</summary>
    public void Part() => Give(farewell: true);

    /// <summary>Closes it without, as the death of this process would.</summary>
    public void Sever() => Give(farewell: false);

    private void Give(bool farewell)
    {
        if (Interlocked.Exchange(ref _given, 1) == 0)
            _holder.Give(_slot, farewell);
    }
}
