using System.Diagnostics;

namespace TrainMover.Collectives;

public sealed unsafe partial class CommunicationGroup
{
    private bool _closed;

    /// <inheritdoc/>
    public void AllReduce(Span<float> buffer, ReduceOperation operation)
    {
        fixed (float* data = buffer)
            Call(RingSchedule.AllReduce(data, buffer.Length, Rank, Size, operation));
    }

    /// <inheritdoc/>
    public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all)
    {
        if (all.Length != (long)mine.Length * Size)
            throw new ArgumentException($"{Size} ranks with {mine.Length} bytes each do not make {all.Length} bytes.", nameof(all));
        mine.CopyTo(all[(Rank * mine.Length)..]);
        fixed (byte* data = all)
            Call(RingSchedule.AllGather(RingFrameKind.AllGather, data, mine.Length, Rank, Size));
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> buffer, int root)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, Size);
        fixed (byte* data = buffer)
            Call(RingSchedule.Broadcast(data, buffer.Length, root, Rank, Size));
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        // One byte of everybody at everybody: whoever has them all knows that all have come.
        Span<byte> arrivals = stackalloc byte[Size];
        fixed (byte* data = arrivals)
            Call(RingSchedule.AllGather(RingFrameKind.Barrier, data, 1, Rank, Size));
    }

    /// <inheritdoc/>
    public void ReduceScatter(Span<float> buffer)
    {
        fixed (float* data = buffer)
            Call(RingSchedule.ReduceScatter(data, buffer.Length, Rank, Size));
    }

    /// <inheritdoc/>
    public void AllGather(Span<float> buffer)
    {
        fixed (float* data = buffer)
            Call(RingSchedule.GatherParts(data, buffer.Length, Rank, Size));
    }

    /// <inheritdoc/>
    public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious) => throw new NotSupportedException();

    private void Call(in RingSchedule schedule)
    {
        lock (_calls)
        {
            ThrowUnlessUsable();
            if (Size == 1)
                return;
            try
            {
                _ring.Run(schedule);
            }
            catch (OperationCanceledException)
            {
                ThrowUnlessUsable();
                throw;
            }
            catch (RingFault fault)
            {
                Fail(AsFailure(fault));
                ThrowUnlessUsable();
                throw;
            }
        }
    }

    internal static GroupFailure AsFailure(RingFault fault) =>
        new(fault.Kind, fault.Suspect?.Rank, fault.Suspect?.Machine, fault.Message, Stopwatch.GetTimestamp());

    private void ThrowUnlessUsable()
    {
        if (Failure is { } failure)
            throw new CollectiveException(failure);
        ObjectDisposedException.ThrowIf(State == GroupState.Closed, this);
    }
}
