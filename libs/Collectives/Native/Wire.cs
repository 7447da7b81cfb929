using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>Bytes on a connected TCP socket, past the runtime's socket engine, which would wake a thread of its own for each packet.</summary>
internal static unsafe class Wire
{
    private const int TcpLevel = 6;
    private const int TcpCongestion = 13;
    private const int UnderWayInHost = 384 * 1024;

    /// <summary>The peer closed its side in order.</summary>
    public const int EndOfStream = -100_000;

    public static int DescriptorOf(Socket socket) => (int)socket.SafeHandle.DangerousGetHandle();

    /// <summary>
    /// Settings of a socket that carries calls: packets leave at once. Inside a host nothing is gained by pacing, which bbr does with timers, so there the connection takes reno; between
    /// hosts the system's choice stays. Sizes of buffers are the system's too: it knows the link.
    /// </summary>
    /// <param name="socket">The socket.</param>
    /// <param name="limitsUnderWay">Inside a host what is under way stays in the caches if it is not much: for groups in which all send and receive at once.</param>
    /// <returns>Whether the connection is inside a host.</returns>
    public static bool PrepareForData(Socket socket, bool limitsUnderWay = false)
    {
        socket.NoDelay = true;
        if (!IsInHost(socket))
            return false;
        if (limitsUnderWay)
            socket.SendBufferSize = UnderWayInHost;
        try
        {
            socket.SetRawSocketOption(TcpLevel, TcpCongestion, "reno"u8);
        }
        catch (SocketException)
        {
            // This system does not offer it; what it has works too.
        }

        return true;
    }

    /// <summary>Bytes sent; 0 when the socket takes none now; a negative error number.</summary>
    public static int TrySend(int descriptor, byte* bytes, long length)
    {
        int outcome;
        while (!IsOver(Libc.Send(descriptor, bytes, (nuint)Math.Min(length, 1 << 30), Libc.DontWait | Libc.NoSignal), out outcome))
        {
            // Once more.
        }

        return outcome;
    }

    /// <summary>As <see cref="TrySend(int, byte*, long)"/>, of two stretches one after the other in one packet.</summary>
    public static int TrySend(int descriptor, byte* first, long firstLength, byte* second, long secondLength)
    {
        var stretches = stackalloc Stretch[2];
        stretches[0] = new Stretch { Bytes = first, Length = (nuint)firstLength };
        stretches[1] = new Stretch { Bytes = second, Length = (nuint)Math.Min(secondLength, 1 << 30) };
        var message = new MessageHeader { Stretches = stretches, StretchCount = secondLength > 0 ? 2u : 1u };
        int outcome;
        while (!IsOver(Libc.SendMessage(descriptor, &message, Libc.DontWait | Libc.NoSignal), out outcome))
        {
            // Once more.
        }

        return outcome;
    }

    /// <summary>As <see cref="TrySend(int, byte*, long)"/>, of what is in a pipe. The socket must be one that does not wait.</summary>
    public static int TrySend(int descriptor, SafeHandle pipe, long length)
    {
        int outcome;
        while (!IsOver(Libc.Splice((int)pipe.DangerousGetHandle(), null, descriptor, null, (nuint)length, Libc.SpliceNonBlocking | Libc.SpliceMove), out outcome))
        {
            // Once more.
        }

        return outcome;
    }

    /// <summary>Bytes received; 0 when there are none now; a negative error number, or <see cref="EndOfStream"/>.</summary>
    public static int TryReceive(int descriptor, byte* bytes, long length)
    {
        while (true)
        {
            var received = Libc.Receive(descriptor, bytes, (nuint)Math.Min(length, 1 << 30), Libc.DontWait);
            if (received == 0)
                return EndOfStream;
            if (IsOver(received, out var outcome))
                return outcome;
        }
    }

    /// <summary>Sends all bytes, or throws an <see cref="IOException"/> on a broken connection and a <see cref="TimeoutException"/> on no progress for the patience.</summary>
    public static void Send(Socket socket, byte* bytes, long length, TimeSpan patience)
    {
        var descriptor = DescriptorOf(socket);
        var since = Stopwatch.GetTimestamp();
        while (length > 0)
        {
            var sent = TrySend(descriptor, bytes, length);
            if (sent < 0)
                throw new IOException(Explain(sent));
            if (sent == 0)
            {
                Await(descriptor, Libc.PollOut, since, patience);
                continue;
            }

            bytes += sent;
            length -= sent;
            since = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>Receives exactly so many bytes; errors as in <see cref="Send(Socket, byte*, long, TimeSpan)"/>.</summary>
    public static void Receive(Socket socket, byte* bytes, long length, TimeSpan patience)
    {
        var descriptor = DescriptorOf(socket);
        var since = Stopwatch.GetTimestamp();
        while (length > 0)
        {
            var received = TryReceive(descriptor, bytes, length);
            if (received < 0)
                throw new IOException(Explain(received));
            if (received == 0)
            {
                Await(descriptor, Libc.PollIn, since, patience);
                continue;
            }

            bytes += received;
            length -= received;
            since = Stopwatch.GetTimestamp();
        }
    }

    public static void Send(Socket socket, ReadOnlySpan<byte> bytes, TimeSpan patience)
    {
        fixed (byte* first = bytes)
            Send(socket, first, bytes.Length, patience);
    }

    public static void Receive(Socket socket, Span<byte> bytes, TimeSpan patience)
    {
        fixed (byte* first = bytes)
            Receive(socket, first, bytes.Length, patience);
    }

    /// <summary>Resets the connection at once. The descriptor stays valid, so a thread that polls it never meets a stranger's.</summary>
    public static void Reset(Socket socket)
    {
        var held = false;
        try
        {
            socket.SafeHandle.DangerousAddRef(ref held);
            long unspecified = 0;
            var address = stackalloc long[2] { unspecified, unspecified };
            _ = Libc.Connect((int)socket.SafeHandle.DangerousGetHandle(), address, 16);
        }
        catch (ObjectDisposedException)
        {
            // It is closed already.
        }
        finally
        {
            if (held)
                socket.SafeHandle.DangerousRelease();
        }
    }

    /// <summary>Whether a connection was reset, or closed by the peer.</summary>
    public static bool IsBroken(int descriptor)
    {
        var asked = new PollDescriptor { Descriptor = descriptor, Events = Libc.PollPeerHangUp };
        return Libc.Poll(&asked, 1, 0) > 0 && (asked.Returned & (Libc.PollError | Libc.PollHangUp | Libc.PollPeerHangUp)) != 0;
    }

    /// <summary>Begins to connect, without waiting: 0, or a negative error number. When the socket is writable, its error says what became of it.</summary>
    public static int TryConnect(Socket socket, IPEndPoint endPoint)
    {
        var serialized = endPoint.Serialize();
        fixed (byte* address = serialized.Buffer.Span)
        {
            if (Libc.Connect(DescriptorOf(socket), address, (uint)serialized.Size) == 0)
                return 0;
        }

        // Interrupted, it goes on all the same.
        var error = Marshal.GetLastPInvokeError();
        return error is Libc.InProgress or Libc.Interrupted ? 0 : -error;
    }

    public static string Explain(int result) => result == EndOfStream
        ? "the peer closed the connection"
        : Marshal.GetPInvokeErrorMessage(-result);

    public static void Await(int descriptor, short events, long since, TimeSpan patience)
    {
        var left = patience - Stopwatch.GetElapsedTime(since);
        if (left <= TimeSpan.Zero)
            throw new TimeoutException($"nothing moved for {patience.TotalSeconds:0.###} s");
        var waited = new PollDescriptor { Descriptor = descriptor, Events = events };
        _ = Libc.Poll(&waited, 1, (int)Math.Min(Math.Ceiling(left.TotalMilliseconds), int.MaxValue));
    }

    // What a call that does not wait came to: its count, 0 for not now, a negative error number. False for one that a signal interrupted.
    private static bool IsOver(nint returned, out int outcome)
    {
        outcome = (int)returned;
        if (returned >= 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        outcome = error == Libc.Again ? 0 : -error;
        return error != Libc.Interrupted;
    }

    // The system is asked: of a connection that this class made the runtime knows no peer.
    private static bool IsInHost(Socket socket)
    {
        var address = new SocketAddress(socket.AddressFamily);
        var length = (uint)address.Size;
        fixed (byte* first = address.Buffer.Span)
        {
            if (Libc.PeerName(DescriptorOf(socket), first, &length) != 0)
                return false;
        }

        var anywhere = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        return anywhere.Create(address) is IPEndPoint peer && IPAddress.IsLoopback(peer.Address);
    }
}
