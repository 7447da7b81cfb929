using System.Diagnostics;
using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>
/// The two data connections of a rank and the loop that moves a call's bytes over both at once, on the calling thread, without allocating. One call at a time.
/// </summary>
internal sealed unsafe class Ring : IDisposable
{
    private const int ScratchBytes = 256 * 1024;
    private readonly int _generation;
    private readonly TimeSpan _deadline;
    private readonly Signal _interruption = new();
    private readonly byte* _scratch = (byte*)NativeMemory.AlignedAlloc(ScratchBytes, 64);
    private volatile bool _interrupted;
    private ulong _sequence;
    private bool _disposed;

    public Ring(int generation, OutboundEdge? outbound, InboundEdge? inbound, TimeSpan deadline)
    {
        _generation = generation;
        Outbound = outbound;
        Inbound = inbound;
        _deadline = deadline;
    }

    public OutboundEdge? Outbound { get; private set; }

    public InboundEdge? Inbound { get; private set; }

    /// <summary>Ends the call in progress and all later ones; from any thread.</summary>
    public void Interrupt()
    {
        _interrupted = true;
        _interruption.Set();
    }

    /// <summary>Hands the connections to the next generation.</summary>
    public (OutboundEdge? Outbound, InboundEdge? Inbound) Release()
    {
        var edges = (Outbound, Inbound);
        (Outbound, Inbound) = (null, null);
        return edges;
    }

    /// <summary>Resets both connections, as the death of this process would.</summary>
    public void Reset()
    {
        if (Outbound is { } outbound)
            Wire.Reset(outbound.Socket);
        if (Inbound is { } inbound)
            Wire.Reset(inbound.Socket);
    }

    /// <summary>Moves one call's bytes.</summary>
    /// <exception cref="RingFault">A peer is gone, late, or in another call.</exception>
    /// <exception cref="OperationCanceledException">Interrupted.</exception>
    public void Run(in RingSchedule schedule)
    {
        _sequence++;
        var started = Stopwatch.GetTimestamp();
        var (outStep, inStep) = (schedule.FirstOutStep, 0);
        long outOffset = 0, inOffset = 0;
        var partial = 0;
        var sends = schedule.OutSteps > schedule.FirstOutStep;
        var receives = schedule.InSteps > 0;
        var inHeaderPending = receives;
        if (sends)
            Outbound!.Begin(Frame(schedule, schedule.OutBytes()));
        if (receives)
            Inbound!.Begin();

        while (true)
        {
            SkipEmpty(schedule, ref outStep, ref inStep);
            var sending = sends && (outStep < schedule.OutSteps || Outbound!.HeaderPending);
            var receiving = receives && (inStep < schedule.InSteps || inHeaderPending);
            if (!sending && !receiving)
                return;
            if (_interrupted)
                throw new OperationCanceledException();

            var moved = false;
            var sendable = 0L;
            if (sending && Outbound!.HeaderPending)
            {
                sendable = RingFrame.Bytes;
                moved = Outbound.SendHeader();
            }
            else if (sending)
            {
                var chunk = schedule.OutChunk(outStep);
                sendable = Ready(schedule, outStep, inStep, inOffset) - outOffset;
                if (sendable > 0)
                {
                    var sent = Outbound!.SendPayload(schedule.Data + schedule.Start(chunk) + outOffset, sendable);
                    moved = sent > 0;
                    outOffset += sent;
                    if (outOffset == schedule.Length(chunk))
                        (outStep, outOffset) = (outStep + 1, 0);
                }
            }

            if (receiving && inHeaderPending)
            {
                moved |= Inbound!.ReceiveHeader();
                if (Inbound.HeaderDone)
                {
                    Check(schedule);
                    inHeaderPending = false;
                }
            }
            else if (receiving)
            {
                moved |= Take(schedule, ref inStep, ref inOffset, ref partial);
            }

            if (!moved)
                Wait(started, sending ? sendable > 0 : null, receiving);
        }
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Outbound?.Dispose();
        Inbound?.Dispose();
        _interruption.Dispose();
        NativeMemory.AlignedFree(_scratch);
    }

    private RingFrame Frame(in RingSchedule schedule, long bytes) => new()
    {
        Magic = RingFrame.ExpectedMagic,
        Generation = _generation,
        Sequence = _sequence,
        Kind = (int)schedule.Kind,
        Root = schedule.Root,
        Length = bytes,
    };

    private static void SkipEmpty(in RingSchedule schedule, ref int outStep, ref int inStep)
    {
        while (outStep < schedule.OutSteps && schedule.Length(schedule.OutChunk(outStep)) == 0)
            outStep++;
        while (inStep < schedule.InSteps && schedule.Length(schedule.InChunk(inStep)) == 0)
            inStep++;
    }

    /// <summary>Bytes of an outgoing step that hold their value already: all in step 0, later what the step before brought in.</summary>
    private static long Ready(in RingSchedule schedule, int outStep, int inStep, long inOffset)
    {
        if (outStep == 0 || inStep > outStep - 1)
            return schedule.Length(schedule.OutChunk(outStep));
        return inStep == outStep - 1 ? inOffset : 0;
    }

    private bool Take(in RingSchedule schedule, ref int step, ref long offset, ref int partial)
    {
        var chunk = schedule.InChunk(step);
        var length = schedule.Length(chunk);
        var target = schedule.Data + schedule.Start(chunk) + offset;
        if (step >= schedule.ReducedSteps)
        {
            var copied = Inbound!.ReceivePayload(target, length - offset);
            offset += copied;
            if (offset == length)
                (step, offset) = (step + 1, 0);
            return copied > 0;
        }

        var received = Inbound!.ReceivePayload(_scratch + partial, Math.Min(ScratchBytes, length - offset) - partial);
        partial += received;
        var whole = partial / sizeof(float);
        Reduction.Apply(schedule.Kind, (float*)target, (float*)_scratch, whole);
        var rest = partial - (whole * sizeof(float));
        for (var index = 0; index < rest; index++)
            _scratch[index] = _scratch[(whole * sizeof(float)) + index];
        partial = rest;
        offset += whole * sizeof(float);
        if (offset == length)
            (step, offset) = (step + 1, 0);
        return received > 0;
    }

    private void Check(in RingSchedule schedule)
    {
        var expected = Frame(schedule, schedule.InBytes());
        var header = Inbound!.Header;
        if (header.Generation != expected.Generation || header.Sequence != expected.Sequence || header.Kind != expected.Kind
            || header.Root != expected.Root || header.Length != expected.Length)
            throw new RingFault(FailureKind.ProtocolViolation, Inbound.Peer, $"{Inbound.Peer.Machine} is in {header}; this rank is in {expected}.");
    }

    /// <param name="started">When the call began.</param>
    /// <param name="writes">Null when all is sent; whether there is something to send now.</param>
    /// <param name="reads">Whether more is to come.</param>
    private void Wait(long started, bool? writes, bool reads)
    {
        var left = _deadline - Stopwatch.GetElapsedTime(started);
        if (left <= TimeSpan.Zero)
        {
            var late = reads ? Inbound!.Peer : Outbound!.Peer;
            throw new RingFault(FailureKind.DeadlineExceeded, late, $"The call waited {_deadline.TotalSeconds:0.###} s for {late.Machine}.");
        }

        var descriptors = stackalloc PollDescriptor[3];
        descriptors[0] = new PollDescriptor { Descriptor = _interruption.Descriptor, Events = Libc.PollIn };
        descriptors[1] = new PollDescriptor { Descriptor = writes is null ? -1 : Outbound!.Descriptor, Events = writes == true ? Libc.PollOut : (short)0 };
        descriptors[2] = new PollDescriptor { Descriptor = reads ? Inbound!.Descriptor : -1, Events = Libc.PollIn };
        _ = Libc.Poll(descriptors, 3, (int)Math.Min(Math.Ceiling(left.TotalMilliseconds), int.MaxValue));
        if (writes == false && descriptors[1].Returned != 0)
            throw new RingFault(FailureKind.PeerReset, Outbound!.Peer, $"The data connection to {Outbound.Peer.Machine} broke.");
    }
}
