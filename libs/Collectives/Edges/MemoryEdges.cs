namespace TrainMover.Collectives;

/// <summary>Data connections between two ranks of one process: the reader takes the bytes from where the writer has them.</summary>
internal static class MemoryEdges
{
    /// <summary>Makes both ends.</summary>
    /// <param name="from">The rank that writes.</param>
    /// <param name="to">The rank that reads.</param>
    public static (OutboundEdge Outbound, InboundEdge Inbound) Create(Member from, Member to)
    {
        var pipe = new MemoryPipe();
        return (new MemoryOutboundEdge(pipe, to), new MemoryInboundEdge(pipe, from));
    }
}

/// <summary>The end whose bytes are read where they lie; few bytes are copied, so that the sender need not wait for the reader.</summary>
internal sealed unsafe class MemoryOutboundEdge(MemoryPipe pipe, Member peer) : OutboundEdge(peer)
{
    private RingFrame _frame;
    private bool _headerPending;
    private bool _markPending;
    private bool _copied;
    private long _before;
    private bool _disposed;

    public override int Descriptor => -1;

    public override bool IsBroken => _disposed || pipe.ReaderGone;

    public override bool HeaderPending => _headerPending;

    public override bool Drained => pipe.IsReadUpToBorrowed;

    public override long Released => pipe.BytesConsumed - _before;

    public override void Attach(Waker waker) => pipe.AttachWriter(waker);

    public override void Begin(in RingFrame frame, byte* buffer = null, long length = 0)
    {
        _frame = frame;
        _headerPending = true;
        _copied = frame.Length <= MemoryPipe.LargestCopied;
        PayloadLeft = frame.Length;
        _before = pipe.BytesPublished;
    }

    public override bool Send(byte* bytes, long length, out long sent)
    {
        sent = 0;
        if (pipe.ReaderGone)
            throw new RingFault(FailureKind.PeerReset, Peer, $"The rank {Peer.Rank} on {Peer.Machine} closed its end.");
        var moved = false;
        if (_headerPending && _copied && length > 0)
        {
            // Both in one: whoever waits looks once.
            if (pipe.TryPublishCopy(bytes, length, _frame))
                (_headerPending, sent, moved) = (false, length, true);
        }
        else if (_headerPending && pipe.TryPublish(_frame))
        {
            (_headerPending, moved) = (false, true);
        }

        if (!_headerPending && sent == 0 && length > 0 && (_copied ? pipe.TryPublishCopy(bytes, length) : pipe.TryPublish(bytes, length)))
            (sent, moved) = (length, true);
        PayloadLeft -= sent;
        if (moved)
            pipe.WakeReader();
        return moved;
    }

    public override bool Collect() => false;

    public override void Revoke()
    {
        pipe.Revoke();
        (_headerPending, PayloadLeft) = (false, 0);
    }

    public override void BeginMark(int generation)
    {
        Revoke();
        _frame = RingFrame.Mark(generation);
        _markPending = true;
    }

    public override bool SendMark(out bool done)
    {
        if (pipe.ReaderGone)
            throw new RingFault(FailureKind.PeerReset, Peer, $"The rank {Peer.Rank} on {Peer.Machine} closed its end.");
        var moved = _markPending && pipe.TryPublish(_frame);
        _markPending &= !moved;
        if (moved)
            pipe.WakeReader();
        done = !_markPending;
        return moved;
    }

    public override void Reset()
    {
        if (!_disposed)
            pipe.LeaveWriter();
    }

    public override void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        pipe.LeaveWriter();
        pipe.Release();
    }
}

/// <summary>The end that reads the writer's bytes where they lie.</summary>
internal sealed unsafe class MemoryInboundEdge(MemoryPipe pipe, Member peer) : InboundEdge(peer)
{
    private bool _disposed;

    public override int Descriptor => -1;

    public override bool IsBroken => _disposed || pipe.WriterGone;

    public override void Attach(Waker waker) => pipe.AttachReader(waker);

    public override void Begin(long expected) => HeaderDone = false;

    public override bool ReceiveHeader()
    {
        if (!pipe.TryReadFrame(out var frame))
        {
            ThrowIfGone();
            return false;
        }

        Take(frame);
        return true;
    }

    public override long Receive(byte* into, long length)
    {
        var bytes = Peek(length, 1, out var there);
        if (bytes is null)
            return 0;
        Buffer.MemoryCopy(bytes, into, length, there);
        Consume(there);
        return there;
    }

    public override byte* Peek(long most, int elementBytes, out long length)
    {
        var bytes = pipe.Borrow(Math.Min(most, PayloadLeft), elementBytes, out length);
        if (bytes is null)
            ThrowIfGone();
        return bytes;
    }

    public override void Consume(long length)
    {
        PayloadLeft -= length;
        pipe.Return(length);
    }

    public override bool DropToMark(int generation, out bool found)
    {
        var moved = pipe.TryDrop(out var frame);
        if (moved && frame is { } header)
            Take(header);
        else if (!moved)
            ThrowIfGone();
        found = IsMark(generation);
        return moved;
    }

    public override void Reset()
    {
        if (!_disposed)
            pipe.LeaveReader();
    }

    public override void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        pipe.LeaveReader();
        pipe.Release();
    }

    private void ThrowIfGone()
    {
        if (pipe.IsOver)
            throw new RingFault(FailureKind.PeerReset, Peer, $"The rank {Peer.Rank} on {Peer.Machine} closed its end.");
    }
}
