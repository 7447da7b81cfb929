using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>
/// The writing end of a socket. The kernel copies what it takes, so sent bytes are free at once; but registered memory is lent inside a host, and free when the reader's receipt is here.
/// </summary>
internal sealed unsafe class TcpOutboundEdge : OutboundEdge
{
    private static readonly byte[] Zeros = GC.AllocateArray<byte>(64 * 1024, pinned: true);
    private readonly byte[] _header = GC.AllocateArray<byte>(RingFrame.Bytes, pinned: true);
    private readonly byte[] _receipt = GC.AllocateArray<byte>(sizeof(ulong), pinned: true);
    private readonly Socket _socket;
    private readonly int _descriptor;
    private readonly PageLoan? _loan;
    private int _headerLeft;
    private long _length;
    private ulong _receiptDue;
    private int _receiptBytes;
    private int? _markAfterFrame;

    public TcpOutboundEdge(Socket socket, Member peer, GroupKind group)
        : base(peer)
    {
        _socket = socket;
        _descriptor = Wire.DescriptorOf(socket);

        // A stage that has sent goes on, while its neighbour computes what came before.
        var goesOn = group == GroupKind.Stages;
        if (!Wire.PrepareForData(socket, limitsUnderWay: !goesOn) || goesOn)
            return;

        // Of all calls on it only splice asks the socket whether to wait.
        socket.Blocking = false;
        _loan = new PageLoan();
    }

    public override int Descriptor => _descriptor;

    public override bool IsBroken => Wire.IsBroken(_descriptor);

    public override bool HeaderPending => _headerLeft > 0;

    public override bool Drained => _receiptDue == 0;

    public override long Released => Drained ? _length - PayloadLeft : 0;

    public override void Attach(Waker waker)
    {
        // Poll tells.
    }

    public override void Begin(in RingFrame frame, byte* buffer = null, long length = 0)
    {
        var begun = frame;
        if (buffer is not null && frame.Length >= PageLoan.LeastFrame && _loan is not null && _loan.TryBegin(buffer, length, keepsBytes: !frame.IsReduction))
            (begun.AsksForReceipt, _receiptDue) = (1, frame.Receipt);
        MemoryMarshal.Write(_header, begun);
        _headerLeft = RingFrame.Bytes;
        _length = PayloadLeft = frame.Length;
    }

    public override bool Send(byte* bytes, long length, out long sent)
    {
        sent = 0;
        if (_headerLeft == 0 && length == 0)
            return false;
        var lends = _receiptDue != 0 && _loan!.Lends(bytes, ref length);
        int result;
        if (_headerLeft > 0)
        {
            fixed (byte* header = _header)
                result = Wire.TrySend(_descriptor, header + RingFrame.Bytes - _headerLeft, _headerLeft, bytes, lends ? 0 : length);
        }
        else
        {
            result = lends ? _loan!.TrySend(_descriptor, bytes, length) : Wire.TrySend(_descriptor, bytes, length);
        }

        Check(result);
        var ofHeader = Math.Min(result, _headerLeft);
        _headerLeft -= ofHeader;
        sent = result - ofHeader;
        PayloadLeft -= sent;
        return result > 0;
    }

    public override bool Collect()
    {
        if (_receiptDue == 0)
            return false;
        int received;
        fixed (byte* receipt = _receipt)
            received = Wire.TryReceive(_descriptor, receipt + _receiptBytes, sizeof(ulong) - _receiptBytes);
        Check(received);
        _receiptBytes += received;
        if (_receiptBytes < sizeof(ulong))
            return received > 0;

        // One for a call that failed here may come late.
        _receiptBytes = 0;
        if (MemoryMarshal.Read<ulong>(_receipt) == _receiptDue)
            _receiptDue = 0;
        return true;
    }

    public override void Revoke()
    {
        if (_receiptDue == 0)
            return;
        _receiptDue = 0;
        _loan!.Leave();
    }

    public override void BeginMark(int generation)
    {
        // A frame of which no byte was sent is forgotten; another one is filled up.
        if (_headerLeft == RingFrame.Bytes)
            (_headerLeft, PayloadLeft) = (0, 0);
        _markAfterFrame = generation;
    }

    public override bool SendMark(out bool done)
    {
        var moved = false;
        if (!FrameDone)
        {
            fixed (byte* zeros = Zeros)
                moved = Send(zeros, Math.Min(Zeros.Length, PayloadLeft), out _);
        }

        if (FrameDone && _markAfterFrame is { } generation)
        {
            _markAfterFrame = null;
            Begin(RingFrame.Mark(generation));
            moved |= Send(null, 0, out _);
        }

        done = FrameDone;
        return moved;
    }

    public override void Reset() => Wire.Reset(_socket);

    public override void Dispose()
    {
        _socket.Dispose();
        _loan?.Dispose();
    }

    private void Check(int result)
    {
        if (result < 0)
            throw new RingFault(FailureKind.PeerReset, Peer, $"The data connection to {Peer.Machine} broke: {Wire.Explain(result)}.");
    }
}

/// <summary>The reading end of a socket: a frame's first bytes and what is reduced come through a buffer that stays in the cache, the rest goes straight to where it belongs.</summary>
internal sealed unsafe class TcpInboundEdge : InboundEdge
{
    private const int BufferBytes = 256 * 1024;
    private const int LargestWithHeader = 16 * 1024;
    private readonly byte* _buffer = (byte*)NativeMemory.AlignedAlloc(BufferBytes, 4096);
    private readonly Socket _socket;
    private readonly int _descriptor;
    private int _start;
    private int _end;
    private int _expected;
    private bool _disposed;

    public TcpInboundEdge(Socket socket, Member peer)
        : base(peer)
    {
        _socket = socket;
        _descriptor = Wire.DescriptorOf(socket);
        Wire.PrepareForData(socket);
    }

    public override int Descriptor => _descriptor;

    public override bool IsBroken => Wire.IsBroken(_descriptor);

    public override void Attach(Waker waker)
    {
        // Poll tells.
    }

    public override void Begin(long expected)
    {
        HeaderDone = false;
        _expected = expected <= LargestWithHeader ? (int)expected : 0;
    }

    public override bool ReceiveHeader()
    {
        var moved = false;
        if (_end - _start < RingFrame.Bytes)
            moved = Fill(RingFrame.Bytes - (_end - _start) + _expected);
        if (_end - _start < RingFrame.Bytes)
            return moved;
        Take(*(RingFrame*)(_buffer + _start));
        _start += RingFrame.Bytes;
        return true;
    }

    public override long Receive(byte* into, long length)
    {
        if (_end > _start)
        {
            var buffered = (int)Math.Min(length, _end - _start);
            Buffer.MemoryCopy(_buffer + _start, into, length, buffered);
            _start += buffered;
            Took(buffered);
            return buffered;
        }

        var received = Checked(Wire.TryReceive(_descriptor, into, length));
        Took(received);
        return received;
    }

    public override byte* Peek(long most, int elementBytes, out long length)
    {
        if (_end - _start < elementBytes)
            Fill((int)Math.Min(Math.Min(most, PayloadLeft) - (_end - _start), BufferBytes - elementBytes));
        length = Math.Min(_end - _start, most) / elementBytes * elementBytes;
        return length == 0 ? null : _buffer + _start;
    }

    public override void Consume(long length)
    {
        _start += (int)length;
        Took(length);
    }

    public override bool DropToMark(int generation, out bool found)
    {
        bool moved;
        if (HeaderDone && PayloadLeft > 0)
        {
            if (_end == _start)
                Fill((int)Math.Min(BufferBytes, PayloadLeft));
            var dropped = (int)Math.Min(PayloadLeft, _end - _start);
            _start += dropped;
            PayloadLeft -= dropped;
            moved = dropped > 0;
        }
        else
        {
            if (HeaderDone)
                Begin(0);
            moved = ReceiveHeader();
        }

        found = IsMark(generation);
        return moved;
    }

    public override void Reset() => Wire.Reset(_socket);

    public override void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _socket.Dispose();
        NativeMemory.AlignedFree(_buffer);
    }

    private void Took(long length)
    {
        PayloadLeft -= length;
        if (PayloadLeft > 0 || length == 0 || Header.AsksForReceipt == 0)
            return;
        var receipt = Header.Receipt;
        if (Checked(Wire.TrySend(_descriptor, (byte*)&receipt, sizeof(ulong))) < sizeof(ulong))
            throw new RingFault(FailureKind.ProtocolViolation, Peer, $"{Peer.Machine} asks for receipts and takes none.");
    }

    /// <summary>Receives behind what is in the buffer, which moves to the front first.</summary>
    private bool Fill(int most)
    {
        var kept = _end - _start;
        if (_start > 0)
        {
            Buffer.MemoryCopy(_buffer + _start, _buffer, BufferBytes, kept);
            (_start, _end) = (0, kept);
        }

        var received = Checked(Wire.TryReceive(_descriptor, _buffer + kept, Math.Min(most, BufferBytes - kept)));
        _end += received;
        return received > 0;
    }

    private int Checked(int result) => result >= 0
        ? result
        : throw new RingFault(FailureKind.PeerReset, Peer, $"The data connection with {Peer.Machine} broke: {Wire.Explain(result)}.");
}
