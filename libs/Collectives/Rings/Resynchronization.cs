using System.Diagnostics;
using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>
/// Makes kept connections clean for a new generation, also when the old one failed in the middle of a call: each writer fills up the frame that it
/// had begun and marks the new generation; each reader drops everything before that mark.
/// </summary>
internal static unsafe class Resynchronization
{
    private const int ScratchBytes = 256 * 1024;

    /// <exception cref="RingFault">A peer is gone, or its mark did not come in time.</exception>
    public static void Run(OutboundEdge? outbound, InboundEdge? inbound, int generation, Signal interruption, Func<bool> interrupted, TimeSpan deadline)
    {
        var zeros = (byte*)NativeMemory.AllocZeroed(ScratchBytes);
        var dropped = (byte*)NativeMemory.Alloc(ScratchBytes);
        try
        {
            var started = Stopwatch.GetTimestamp();
            var marked = outbound is null;
            var found = inbound is null;
            outbound?.CancelUnsent();
            while (true)
            {
                if (outbound is not null && outbound.FrameDone && !marked)
                {
                    outbound.Begin(new RingFrame { Magic = RingFrame.ExpectedMagic, Generation = generation, Kind = (int)RingFrameKind.Resync });
                    marked = true;
                }

                var sending = outbound is { FrameDone: false };
                if (!sending && found)
                    return;
                if (interrupted())
                    throw new OperationCanceledException();
                var moved = sending && Fill(outbound!, zeros);
                if (!found)
                    moved |= Drop(inbound!, dropped, generation, out found);
                if (!moved && !found | sending)
                    Wait(sending ? outbound : null, found ? null : inbound, interruption, started, deadline);
            }
        }
        finally
        {
            NativeMemory.Free(zeros);
            NativeMemory.Free(dropped);
        }
    }

    private static bool Fill(OutboundEdge outbound, byte* zeros) =>
        outbound.HeaderPending ? outbound.SendHeader() : outbound.SendPayload(zeros, Math.Min(ScratchBytes, outbound.PayloadLeft)) > 0;

    private static bool Drop(InboundEdge inbound, byte* dropped, int generation, out bool found)
    {
        found = false;
        if (inbound.HeaderDone && inbound.PayloadLeft > 0)
            return inbound.ReceivePayload(dropped, Math.Min(ScratchBytes, inbound.PayloadLeft)) > 0;
        if (inbound.HeaderDone)
            inbound.Begin();
        var moved = inbound.ReceiveHeader();
        found = inbound.HeaderDone && inbound.Header.Kind == (int)RingFrameKind.Resync && inbound.Header.Generation == generation;
        return moved;
    }

    private static void Wait(OutboundEdge? outbound, InboundEdge? inbound, Signal interruption, long started, TimeSpan deadline)
    {
        var left = deadline - Stopwatch.GetElapsedTime(started);
        if (left <= TimeSpan.Zero)
        {
            var late = (inbound?.Peer ?? outbound?.Peer)!;
            throw new RingFault(FailureKind.DeadlineExceeded, late, $"{late.Machine} did not reach the new generation within {deadline.TotalSeconds:0.###} s.");
        }

        var descriptors = stackalloc PollDescriptor[3];
        descriptors[0] = new PollDescriptor { Descriptor = interruption.Descriptor, Events = Libc.PollIn };
        descriptors[1] = new PollDescriptor { Descriptor = outbound?.Descriptor ?? -1, Events = Libc.PollOut };
        descriptors[2] = new PollDescriptor { Descriptor = inbound?.Descriptor ?? -1, Events = Libc.PollIn };
        _ = Libc.Poll(descriptors, 3, (int)Math.Min(Math.Ceiling(left.TotalMilliseconds), int.MaxValue));
    }
}
