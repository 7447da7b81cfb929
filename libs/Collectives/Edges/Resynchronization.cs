using System.Diagnostics;

namespace TrainMover.Collectives;

/// <summary>
/// Makes kept connections clean for a new generation, also when the old one failed in the middle of a call: each writer ends the frame that it had begun
/// and marks the new generation; each reader drops everything before that mark. All connections at once, on the calling thread.
/// </summary>
internal static unsafe class Resynchronization
{
    /// <exception cref="RingFault">A peer is gone, or its mark did not come in time.</exception>
    /// <exception cref="OperationCanceledException">Interrupted.</exception>
    public static void Run(IEnumerable<OutboundEdge> outbound, IEnumerable<InboundEdge> inbound, int generation, Waker waker, Func<bool> interrupted, TimeSpan deadline)
    {
        var started = Stopwatch.GetTimestamp();
        var writing = outbound.ToList();
        var reading = inbound.ToList();
        foreach (var edge in writing)
        {
            edge.Attach(waker);
            edge.BeginMark(generation);
        }

        foreach (var edge in reading)
            edge.Attach(waker);
        while (writing.Count + reading.Count > 0)
        {
            if (interrupted())
                throw new OperationCanceledException();
            waker.Announce();
            if (Advance(writing, reading, generation))
                waker.Awake();
            else
                Sleep(writing, reading, waker, started, deadline);
        }
    }

    private static bool Advance(List<OutboundEdge> writing, List<InboundEdge> reading, int generation)
    {
        var moved = false;
        for (var index = writing.Count - 1; index >= 0; index--)
        {
            moved |= writing[index].SendMark(out var done);
            if (done)
                writing.RemoveAt(index);
            moved |= done;
        }

        for (var index = reading.Count - 1; index >= 0; index--)
        {
            moved |= reading[index].DropToMark(generation, out var found);
            if (found)
                reading.RemoveAt(index);
            moved |= found;
        }

        return moved;
    }

    private static void Sleep(List<OutboundEdge> writing, List<InboundEdge> reading, Waker waker, long started, TimeSpan deadline)
    {
        var left = deadline - Stopwatch.GetElapsedTime(started);
        if (left <= TimeSpan.Zero)
        {
            var late = reading.Count > 0 ? reading[0].Peer : writing[0].Peer;
            throw new RingFault(FailureKind.DeadlineExceeded, late, $"{late.Machine} did not reach the new generation within {deadline.TotalSeconds:0.###} s.");
        }

        PollDescriptor[] descriptors =
        [
            new() { Descriptor = waker.Descriptor, Events = Libc.PollIn },
            .. writing.Select(edge => new PollDescriptor { Descriptor = edge.Descriptor, Events = Libc.PollOut }),
            .. reading.Select(edge => new PollDescriptor { Descriptor = edge.Descriptor, Events = Libc.PollIn }),
        ];
        fixed (PollDescriptor* first = descriptors)
            _ = Libc.Poll(first, (nuint)descriptors.Length, (int)Math.Min(Math.Ceiling(left.TotalMilliseconds), int.MaxValue));
        waker.Awake();
    }
}
