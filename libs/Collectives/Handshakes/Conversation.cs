using System.Diagnostics;
using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>One hand-shake in progress, of either side; lives on the thread of the <see cref="HandshakeLoop"/>.</summary>
internal abstract unsafe class Conversation(Socket socket, TimeSpan patience)
{
    private byte[] _received = new byte[Handshake.StartBytes];
    private int _length;
    private long _since = Stopwatch.GetTimestamp();

    public Socket Socket { get; } = socket;

    public int Descriptor { get; } = Wire.DescriptorOf(socket);

    public TimeSpan Left => patience - Stopwatch.GetElapsedTime(_since);

    /// <summary>What the socket must be ready for before it can go on; 0 when it waits for something else.</summary>
    public virtual short Events => Libc.PollIn;

    /// <summary>Goes as far as it can without waiting. True when it is over and the socket has its owner.</summary>
    /// <exception cref="IOException">The peer is gone, or did not prove what it must.</exception>
    /// <exception cref="SocketException">The connection did not come about.</exception>
    public abstract bool Advance();

    /// <summary>It came to nothing; the socket is closed already.</summary>
    public abstract void Fail(Exception cause);

    /// <summary>A new patience begins.</summary>
    protected void Renew() => _since = Stopwatch.GetTimestamp();

    /// <summary>The next so many bytes, when they are all there.</summary>
    protected bool TryTake(int count, out byte[] bytes)
    {
        if (_received.Length < count)
            Array.Resize(ref _received, count);
        while (_length < count)
        {
            int received;
            fixed (byte* first = _received)
                received = Wire.TryReceive(Descriptor, first + _length, count - _length);
            if (received < 0)
                throw new IOException(Wire.Explain(received));
            if (received == 0)
            {
                bytes = [];
                return false;
            }

            _length += received;
        }

        bytes = _received[..count];
        _length = 0;
        return true;
    }

    // These few bytes are the first on an empty socket: it takes them at once.
    protected void Send(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            if (Wire.TrySend(Descriptor, first, bytes.Length) is var sent && sent != bytes.Length)
                throw new IOException(sent < 0 ? Wire.Explain(sent) : "the peer takes no bytes");
        }
    }
}
