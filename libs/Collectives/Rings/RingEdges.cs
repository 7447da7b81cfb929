using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace TrainMover.Collectives;

/// <summary>One end of a data connection. It remembers how far the current frame got, so that the next generation finds its boundary also after a failure.</summary>
internal abstract unsafe class RingConnection : IDisposable
{
    private readonly byte[] _header = GC.AllocateArray<byte>(RingFrame.Bytes, pinned: true);

    protected RingConnection(Socket socket, Member peer)
    {
        Socket = socket;
        Peer = peer;
        Descriptor = Wire.DescriptorOf(socket);
        HeaderBytes = (byte*)Unsafe.AsPointer(ref _header[0]);
    }

    public Socket Socket { get; }

    public Member Peer { get; set; }

    public int Descriptor { get; }

    public long PayloadLeft { get; set; }

    protected byte* HeaderBytes { get; }

    public void Dispose() => Socket.Dispose();

    protected RingFault Broken(int result) => new(FailureKind.PeerReset, Peer, $"The data connection with {Peer.Machine} broke: {Wire.Explain(result)}.");
}

/// <summary>The end that writes.</summary>
internal sealed unsafe class OutboundEdge(Socket socket, Member peer) : RingConnection(socket, peer)
{
    private int _headerLeft;

    public bool HeaderPending => _headerLeft > 0;

    public bool FrameDone => _headerLeft == 0 && PayloadLeft == 0;

    public void Begin(in RingFrame frame)
    {
        *(RingFrame*)HeaderBytes = frame;
        _headerLeft = RingFrame.Bytes;
        PayloadLeft = frame.Length;
    }

    /// <summary>Forgets a frame of which no byte was sent.</summary>
    public void CancelUnsent()
    {
        if (_headerLeft != RingFrame.Bytes)
            return;
        _headerLeft = 0;
        PayloadLeft = 0;
    }

    /// <summary>Whether any byte moved.</summary>
    public bool SendHeader()
    {
        var sent = Wire.TrySend(Descriptor, HeaderBytes + RingFrame.Bytes - _headerLeft, _headerLeft);
        if (sent < 0)
            throw Broken(sent);
        _headerLeft -= sent;
        return sent > 0;
    }

    public int SendPayload(byte* bytes, long length)
    {
        var sent = Wire.TrySend(Descriptor, bytes, length);
        if (sent < 0)
            throw Broken(sent);
        PayloadLeft -= sent;
        return sent;
    }
}

/// <summary>The end that reads.</summary>
internal sealed unsafe class InboundEdge(Socket socket, Member peer) : RingConnection(socket, peer)
{
    private int _headerRead;

    public bool HeaderDone => _headerRead == RingFrame.Bytes;

    public RingFrame Header => *(RingFrame*)HeaderBytes;

    /// <summary>Expects a header next; only at the end of a frame.</summary>
    public void Begin() => _headerRead = 0;

    /// <summary>Whether any byte moved. A complete header sets the payload that follows.</summary>
    public bool ReceiveHeader()
    {
        var received = Wire.TryReceive(Descriptor, HeaderBytes + _headerRead, RingFrame.Bytes - _headerRead);
        if (received < 0)
            throw Broken(received);
        _headerRead += received;
        if (HeaderDone)
        {
            var header = Header;
            if (header.Magic != RingFrame.ExpectedMagic || header.Length < 0)
                throw new RingFault(FailureKind.ProtocolViolation, Peer, $"{Peer.Machine} sent no frame where one begins.");
            PayloadLeft = header.Length;
        }

        return received > 0;
    }

    public int ReceivePayload(byte* bytes, long length)
    {
        var received = Wire.TryReceive(Descriptor, bytes, length);
        if (received < 0)
            throw Broken(received);
        PayloadLeft -= received;
        return received;
    }
}

/// <summary>What broke a call or a switch on the ring.</summary>
internal sealed class RingFault(FailureKind kind, Member? suspect, string detail) : Exception(detail)
{
    public FailureKind Kind { get; } = kind;

    public Member? Suspect { get; } = suspect;
}
