using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>One channel of a group as a rank has it: a data connection to the next rank and one from the previous, and how far a call got on them. Never allocates during a call.</summary>
internal sealed unsafe class Ring(OutboundEdge? outbound, InboundEdge? inbound) : Route
{
    private const int StagingBytes = 256 * 1024;
    private const int WidenedAtOnce = 1024;

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

    // What travels as bfloat16 is rounded into here: a circle of bytes, counted from the start of the frame.
    private byte* _staging;
    private long _staged;
    private long _stagedSent;

    public OutboundEdge? Outbound { get; private set; } = outbound;

    public InboundEdge? Inbound { get; private set; } = inbound;

    public override IEnumerable<DataEdge> Edges => new DataEdge?[] { Outbound, Inbound }.OfType<DataEdge>();

    public override bool IsDone => !_sending && !_receiving && (Outbound is null || Outbound.Drained);

    public override Member Awaited => _receiving ? Inbound!.Peer : Outbound!.Peer;

    public void Begin(in RingSchedule schedule, in RingFrame frame)
    {
        _schedule = schedule;
        _frame = frame;
        _sending = schedule.OutSteps > schedule.FirstOutStep;
        _receiving = schedule.InSteps > 0;
        (_outStep, _inStep) = (schedule.FirstOutStep - 1, -1);
        (_staged, _stagedSent) = (0, 0);
        if (schedule.IsCompressed && _staging is null)
            _staging = (byte*)NativeMemory.AlignedAlloc(StagingBytes, 64);
        if (_sending)
        {
            _frame.Length = schedule.IsCompressed ? schedule.OutBytes() / 2 : schedule.OutBytes();
            Outbound!.Begin(_frame, schedule.Lendable, schedule.Bytes);
            NextOut();
        }

        if (_receiving)
        {
            _frame.Length = schedule.IsCompressed ? schedule.InBytes() / 2 : schedule.InBytes();
            Inbound!.Begin(_frame.Length);
            NextIn();
        }
    }

    public override bool Advance()
    {
        var moved = _sending ? Send() : Outbound is not null && Outbound.Collect();
        return (_receiving && Receive()) | moved;
    }

    public override int Describe(PollDescriptor* into)
    {
        var count = 0;
        if (WaitsForReader)
            into[count++] = new PollDescriptor { Descriptor = Outbound!.Descriptor, Events = !_sending ? Libc.PollIn : Sendable > 0 || _staged > _stagedSent ? Libc.PollOut : (short)0 };
        if (_receiving && Inbound!.Descriptor >= 0)
            into[count++] = new PollDescriptor { Descriptor = Inbound.Descriptor, Events = Libc.PollIn };
        return count;
    }

    public override int Check(PollDescriptor* returned)
    {
        var count = 0;
        if (WaitsForReader)
            ExpectQuiet(Outbound!, returned[count++]);
        return _receiving && Inbound!.Descriptor >= 0 ? count + 1 : count;
    }

    public override void Release() => (Outbound, Inbound) = (null, null);

    public override void Dispose()
    {
        base.Dispose();
        NativeMemory.AlignedFree(_staging);
        _staging = null;
    }

    // To take more, or to have read what is in this rank's memory.
    private bool WaitsForReader => Outbound is { Descriptor: >= 0 } && (_sending || !Outbound.Drained);

    // Bytes of an outgoing step that hold their value already: all in the first step of whoever has them, later what the step before brought in.
    private long Sendable =>
        _outStep == 0 || _inStep > _outStep - 1 ? _outLength - _outOffset :
        _inStep == _outStep - 1 ? _inOffset - _outOffset : 0;

    private bool Send() => _schedule.IsCompressed ? SendCompressed() : SendPlain();

    private bool SendPlain()
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

    private bool SendCompressed()
    {
        var at = _staged % StagingBytes;
        var room = Math.Min(StagingBytes - (_staged - Outbound!.Released), StagingBytes - at);
        var elements = Math.Min(Sendable / sizeof(float), room / sizeof(ushort));
        if (elements > 0)
        {
            BFloat16.Narrow((float*)(_outData + _outOffset), (ushort*)(_staging + at), elements, roundSource: _outStep >= _schedule.ReducedSteps);
            _staged += elements * sizeof(ushort);
            _outOffset += elements * sizeof(float);
        }

        var from = _stagedSent % StagingBytes;
        var sendable = Math.Min(_staged - _stagedSent, StagingBytes - from);
        var moved = elements > 0;
        if (sendable > 0 || (Outbound.HeaderPending && Outbound.PayloadLeft == 0))
        {
            moved |= Outbound.Send(_staging + from, sendable, out var sent);
            _stagedSent += sent;
        }

        if (_outOffset == _outLength)
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
                Expect(_frame, Inbound);
            if (_inLength == 0)
                NextIn();
            return true;
        }

        // Whole elements arrive: every rank cuts the buffer in the same places.
        if (_schedule.IsExchange && _sending)
            return false;
        long moved;
        if (_schedule.IsCompressed)
        {
            moved = ReceiveCompressed();
        }
        else if (_inStep >= _schedule.ReducedSteps)
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

    /// <summary>Bytes of the buffer that were filled.</summary>
    private long ReceiveCompressed()
    {
        var arrived = Inbound!.Peek(Math.Min(PieceBytes, (_inLength - _inOffset) / 2), sizeof(ushort), out var length);
        if (arrived is null)
            return 0;
        var elements = length / sizeof(ushort);
        var into = (float*)(_inData + _inOffset);
        if (_inStep >= _schedule.ReducedSteps)
        {
            BFloat16.Widen((ushort*)arrived, into, elements);
        }
        else
        {
            var widened = stackalloc float[WidenedAtOnce];
            for (long done = 0; done < elements; done += WidenedAtOnce)
            {
                var count = Math.Min(WidenedAtOnce, elements - done);
                BFloat16.Widen((ushort*)arrived + done, widened, count);
                Reduction.Apply(_schedule.Kind, into + done, widened, count);
            }
        }

        Inbound.Consume(length);
        return elements * sizeof(float);
    }

    // Empty chunks are passed over; a call without any byte is a header alone.
    private void NextOut()
    {
        (_outOffset, _outLength) = (0, 0);
        while (_outLength == 0 && ++_outStep < _schedule.OutSteps)
            _schedule.OutChunk(_outStep, out _outData, out _outLength);
        _sending = _outStep < _schedule.OutSteps || !Outbound!.FrameDone;
    }

    private void NextIn()
    {
        (_inOffset, _inLength) = (0, 0);
        while (_inLength == 0 && ++_inStep < _schedule.InSteps)
            _schedule.InChunk(_inStep, out _inData, out _inLength);
        _receiving = _inStep < _schedule.InSteps || !Inbound!.HeaderDone;
    }
}
