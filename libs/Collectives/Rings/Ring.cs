namespace TrainMover.Collectives;

/// <summary>One channel of a group as a rank has it: a data connection to the next rank and one from the previous, and how far a call got on them. Never allocates during a call.</summary>
internal sealed unsafe class Ring(OutboundEdge? outbound, InboundEdge? inbound)
{
    // What is forwarded in one piece: small enough for the cache, so that the next rank reads what is warm.
    private const int PieceBytes = 128 * 1024;

    private RingSchedule _schedule;
    private RingFrame _frame;
    private bool _sending;
    private bool _receiving;
    private int _outStep;
    private byte* _outData;
    private long _outLength;
    private long _outOffset;
    private int _inStep;
    private byte* _inData;
    private long _inLength;
    private long _inOffset;

    public OutboundEdge? Outbound { get; private set; } = outbound;

    public InboundEdge? Inbound { get; private set; } = inbound;

    public bool IsDone => !_sending && !_receiving && (Outbound is null || Outbound.Drained);

    /// <summary>Who is waited for.</summary>
    public Member Awaited => _receiving ? Inbound!.Peer : Outbound!.Peer;

    public void Begin(in RingSchedule schedule, in RingFrame frame)
    {
        _schedule = schedule;
        _frame = frame;
        _sending = schedule.OutSteps > schedule.FirstOutStep;
        _receiving = schedule.InSteps > 0;
        (_outStep, _inStep) = (schedule.FirstOutStep - 1, -1);
        if (_sending)
        {
            _frame.Length = schedule.OutBytes();
            Outbound!.Begin(_frame);
            NextOut();
        }

        if (_receiving)
        {
            _frame.Length = schedule.InBytes();
            Inbound!.Begin(_frame.Length);
            NextIn();
        }
    }

    /// <summary>Moves what can be moved now. Whether anything did.</summary>
    /// <exception cref="RingFault">A peer is gone, or in another call.</exception>
    public bool Advance()
    {
        var moved = _sending && Send();
        return (_receiving && Receive()) | moved;
    }

    /// <summary>Adds what a sleeper waits for; two descriptors at most.</summary>
    public int Describe(PollDescriptor* into)
    {
        var count = 0;
        if (_sending && Outbound!.Descriptor >= 0)
            into[count++] = new PollDescriptor { Descriptor = Outbound.Descriptor, Events = Sendable > 0 ? Libc.PollOut : (short)0 };
        if (_receiving && Inbound!.Descriptor >= 0)
            into[count++] = new PollDescriptor { Descriptor = Inbound.Descriptor, Events = Libc.PollIn };
        return count;
    }

    /// <summary>Looks at what poll said of the descriptors, in the same order.</summary>
    /// <exception cref="RingFault">The next rank is gone.</exception>
    public int Check(PollDescriptor* returned)
    {
        var count = 0;
        if (_sending && Outbound!.Descriptor >= 0 && returned[count++] is { Events: 0, Returned: not 0 })
            throw new RingFault(FailureKind.PeerReset, Outbound.Peer, $"The data connection to {Outbound.Peer.Machine} broke.");
        return _receiving && Inbound!.Descriptor >= 0 ? count + 1 : count;
    }

    /// <summary>Hands the connections to the next generation.</summary>
    public (OutboundEdge? Outbound, InboundEdge? Inbound) Release()
    {
        var edges = (Outbound, Inbound);
        (Outbound, Inbound) = (null, null);
        return edges;
    }

    // Bytes of an outgoing step that hold their value already: all in the first step of whoever has them, later what the step before brought in.
    private long Sendable =>
        _outStep == 0 || _inStep > _outStep - 1 ? _outLength - _outOffset :
        _inStep == _outStep - 1 ? _inOffset - _outOffset : 0;

    private bool Send()
    {
        var sendable = Sendable;
        if (sendable == 0 && !(Outbound!.HeaderPending && Outbound.PayloadLeft == 0))
            return false;
        var moved = Outbound!.Send(_outData + _outOffset, sendable, out var sent);
        _outOffset += sent;
        if (_outOffset == _outLength && !Outbound.HeaderPending)
            NextOut();
        return moved;
    }

    private bool Receive()
    {
        if (!Inbound!.HeaderDone)
        {
            if (!Inbound.ReceiveHeader())
                return false;
            if (Inbound.HeaderDone)
                CheckHeader();
            if (_inLength == 0)
                NextIn();
            return true;
        }

        // Whole elements arrive: every rank cuts the buffer in the same places.
        if (_schedule.IsExchange && _sending)
            return false;
        long moved;
        if (_inStep >= _schedule.ReducedSteps)
        {
            moved = Inbound.Receive(_inData + _inOffset, Math.Min(PieceBytes, _inLength - _inOffset));
        }
        else if (Inbound.Peek(Math.Min(PieceBytes, _inLength - _inOffset), sizeof(float), out moved) is var arrived && arrived is not null)
        {
            Reduction.Apply(_schedule.Kind, (float*)(_inData + _inOffset), (float*)arrived, moved / sizeof(float), _schedule.ArrivedComesFirst);
            Inbound.Consume(moved);
        }

        _inOffset += moved;
        if (_inOffset == _inLength)
            NextIn();
        return moved > 0;
    }

    // Empty chunks are passed over; a call without any byte is a header alone.
    private void NextOut()
    {
        (_outOffset, _outLength) = (0, 0);
        while (_outLength == 0 && ++_outStep < _schedule.OutSteps)
            _schedule.OutChunk(_outStep, out _outData, out _outLength);
        _sending = _outStep < _schedule.OutSteps || Outbound!.HeaderPending;
    }

    private void NextIn()
    {
        (_inOffset, _inLength) = (0, 0);
        while (_inLength == 0 && ++_inStep < _schedule.InSteps)
            _schedule.InChunk(_inStep, out _inData, out _inLength);
        _receiving = _inStep < _schedule.InSteps || !Inbound!.HeaderDone;
    }

    private void CheckHeader()
    {
        var header = Inbound!.Header;
        if (header.Generation != _frame.Generation || header.Sequence != _frame.Sequence || header.Kind != _frame.Kind || header.Root != _frame.Root || header.Length != _frame.Length)
            throw new RingFault(FailureKind.ProtocolViolation, Inbound.Peer, $"{Inbound.Peer.Machine} is in {header}; this rank is in {_frame}.");
    }
}
