namespace TrainMover.Collectives;

/// <summary>One end of a data connection: a frame per call, in order. It remembers how far the current frame got, so that the next generation finds its boundary also after a failure.</summary>
internal abstract class DataEdge(Member peer) : IDisposable
{
    public Member Peer { get; set; } = peer;

    /// <summary>What poll can wait on; -1 where the other end wakes this one by its <see cref="Waker"/>.</summary>
    public abstract int Descriptor { get; }

    public long PayloadLeft { get; set; }

    /// <summary>Whether the other end is gone.</summary>
    public abstract bool IsBroken { get; }

    /// <summary>Says who sleeps for this end from now on.</summary>
    public abstract void Attach(Waker waker);

    /// <summary>Breaks the connection at once, as the death of this process would.</summary>
    public abstract void Reset();

    public abstract void Dispose();
}

/// <summary>The end that writes.</summary>
internal abstract unsafe class OutboundEdge(Member peer) : DataEdge(peer)
{
    public abstract bool HeaderPending { get; }

    public bool FrameDone => !HeaderPending && PayloadLeft == 0;

    /// <summary>Whether the bytes that were sent may change: nobody will read them where they lie any more.</summary>
    public abstract bool Drained { get; }

    /// <summary>Bytes of this frame that may change.</summary>
    public abstract long Released { get; }

    /// <summary>Starts a frame; its header goes with the first bytes.</summary>
    /// <param name="frame">Its header.</param>
    /// <param name="buffer">The buffer that all its bytes are from, whose pages may be lent to the reader; null when they may not.</param>
    /// <param name="length">Length of the buffer.</param>
    public abstract void Begin(in RingFrame frame, byte* buffer = null, long length = 0);

    /// <summary>Sends what goes now of the header and then of the bytes, which stay as they are until <see cref="Released"/> says so. Whether anything moved.</summary>
    /// <exception cref="RingFault">The other end is gone.</exception>
    public abstract bool Send(byte* bytes, long length, out long sent);

    /// <summary>Looks for word of the reader that it has read what lies in the sender's memory. Whether anything moved.</summary>
    /// <exception cref="RingFault">The other end is gone.</exception>
    public abstract bool Collect();

    /// <summary>Takes back what is not read yet: afterwards nobody reads the sender's memory.</summary>
    public abstract void Revoke();

    /// <summary>Ends the frame that a failed call began, if there is one, and marks a new generation.</summary>
    public abstract void BeginMark(int generation);

    /// <summary>Moves the mark on. Whether anything moved.</summary>
    public abstract bool SendMark(out bool done);
}

/// <summary>The end that reads.</summary>
internal abstract unsafe class InboundEdge(Member peer) : DataEdge(peer)
{
    public bool HeaderDone { get; protected set; }

    /// <summary>The header, once it is done.</summary>
    public RingFrame Header { get; protected set; }

    /// <summary>Expects a header next; only at the end of a frame.</summary>
    /// <param name="expected">Payload that the call expects.</param>
    public abstract void Begin(long expected);

    /// <summary>Whether any byte moved. A complete header sets the payload that follows.</summary>
    /// <exception cref="RingFault">The other end is gone, or sent something else.</exception>
    public abstract bool ReceiveHeader();

    /// <summary>Copies what is there; 0 when there is nothing now.</summary>
    /// <exception cref="RingFault">The other end is gone.</exception>
    public abstract long Receive(byte* into, long length);

    /// <summary>
    /// Shows what is there, in whole elements and where it lies; <see cref="Consume"/> follows on the same thread as soon as it is used. Null when there is nothing now.
    /// </summary>
    /// <exception cref="RingFault">The other end is gone.</exception>
    public abstract byte* Peek(long most, int elementBytes, out long length);

    /// <summary>Ends a successful <see cref="Peek"/>.</summary>
    public abstract void Consume(long length);

    /// <summary>Drops everything before the mark of a generation. Whether anything moved.</summary>
    public abstract bool DropToMark(int generation, out bool found);

    protected void Take(in RingFrame header)
    {
        if (header.Magic != RingFrame.ExpectedMagic || header.Length < 0)
            throw new RingFault(FailureKind.ProtocolViolation, Peer, $"{Peer.Machine} sent no frame where one begins.");
        Header = header;
        HeaderDone = true;
        PayloadLeft = header.Length;
    }

    protected bool IsMark(int generation) => HeaderDone && Header.Kind == RingFrameKind.Resync && Header.Generation == generation;
}
