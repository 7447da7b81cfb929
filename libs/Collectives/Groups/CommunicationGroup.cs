using System.Diagnostics;

namespace TrainMover.Collectives;

/// <summary>
/// One communication group as one rank of it sees it: on each channel a data connection to the next rank of the ring and one from the previous. Calls run on the calling thread, one at a
/// time, and allocate nothing; calls on different groups may run on different threads at once. It lives and fails with its generation.
/// </summary>
public sealed unsafe class CommunicationGroup : ICommunicator
{
    private readonly Lock _calls = new();
    private readonly MachineGroups _generation;
    private readonly Channels _channels;

    internal CommunicationGroup(MachineGroups generation, GroupId id, int rank, int size, Channels channels)
    {
        _generation = generation;
        _channels = channels;
        (Id, Rank, Size) = (id, rank, size);
    }

    /// <summary>Its name.</summary>
    public GroupId Id { get; }

    /// <summary>This rank's place in the ring, from 0.</summary>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public void AllReduce(Span<float> buffer, ReduceOperation operation) => AllReduce(buffer, operation, WireFormat.Full);

    /// <inheritdoc/>
    public void AllReduce(Span<float> buffer, ReduceOperation operation, WireFormat format)
    {
        fixed (float* data = buffer)
            Call(CollectiveCall.AllReduce(data, buffer.Length, Rank, Size, operation, format));
    }

    /// <inheritdoc/>
    public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all)
    {
        if (all.Length != (long)mine.Length * Size)
            throw new ArgumentException($"{Size} ranks with {mine.Length} bytes each do not make {all.Length} bytes.", nameof(all));
        mine.CopyTo(all[(Rank * mine.Length)..]);
        fixed (byte* data = all)
            Call(CollectiveCall.OfBlocks(RingFrameKind.AllGather, data, mine.Length, Rank, Size));
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> buffer, int root)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, Size);
        fixed (byte* data = buffer)
            Call(CollectiveCall.Broadcast(data, buffer.Length, root, Rank, Size));
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        // One byte of everybody at everybody: whoever has them all knows that all have come.
        Span<byte> arrivals = stackalloc byte[Size];
        fixed (byte* data = arrivals)
            Call(CollectiveCall.OfBlocks(RingFrameKind.Barrier, data, 1, Rank, Size));
    }

    /// <inheritdoc/>
    public void ReduceScatter(Span<float> buffer) => ReduceScatter(buffer, WireFormat.Full);

    /// <inheritdoc/>
    public void ReduceScatter(Span<float> buffer, WireFormat format)
    {
        fixed (float* data = buffer)
            Call(CollectiveCall.OfFloats(RingFrameKind.ReduceScatter, data, buffer.Length, Rank, Size, format));
    }

    /// <inheritdoc/>
    public void AllGather(Span<float> buffer) => AllGather(buffer, WireFormat.Full);

    /// <inheritdoc/>
    public void AllGather(Span<float> buffer, WireFormat format)
    {
        fixed (float* data = buffer)
            Call(CollectiveCall.OfFloats(RingFrameKind.AllGather, data, buffer.Length, Rank, Size, format));
    }

    /// <inheritdoc/>
    public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious)
    {
        if (Size == 1)
        {
            if (toNext.Length != fromPrevious.Length)
                throw new ArgumentException($"A group of one receives the {toNext.Length} bytes that it sends, not {fromPrevious.Length}.", nameof(fromPrevious));
            toNext.CopyTo(fromPrevious);
        }

        fixed (byte* leaving = toNext, arriving = fromPrevious)
            Call(CollectiveCall.Shift(leaving, toNext.Length, arriving, fromPrevious.Length, Rank, Size));
    }

    /// <summary>As <see cref="MachineGroups.Fail"/>: all groups of the generation end.</summary>
    public void Fail(GroupFailure cause) => _generation.Fail(cause);

    internal static GroupFailure AsFailure(RingFault fault) =>
        new(fault.Kind, fault.Suspect?.Rank, fault.Suspect?.Machine, fault.Message, Stopwatch.GetTimestamp());

    /// <summary>Ends the call in progress and all later ones; from any thread.</summary>
    internal void Interrupt() => _channels.Interrupt();

    /// <summary>Resets every connection, as the death of this process would.</summary>
    internal void Reset() => _channels.Reset();

    /// <summary>Its data connections.</summary>
    internal Channels Channels => _channels;

    /// <summary>Waits for the end of a call in progress, which has failed; from here on the connections may be taken.</summary>
    internal void AwaitCalls()
    {
        lock (_calls)
        {
            // Whoever had it is out.
        }
    }

    /// <summary>Leaves the data connections to the next generation, which has taken them.</summary>
    internal void Release() => _channels.Release();

    internal void Close()
    {
        Interrupt();
        lock (_calls)
            _channels.Dispose();
    }

    private void Call(in CollectiveCall call)
    {
        lock (_calls)
        {
            _generation.ThrowUnlessUsable();
            if (Size == 1)
                return;
            try
            {
                _channels.Run(call);
            }
            catch (OperationCanceledException)
            {
                _generation.ThrowUnlessUsable();
                throw;
            }
            catch (RingFault fault)
            {
                _generation.Fail(AsFailure(fault));
                _generation.ThrowUnlessUsable();
                throw;
            }
        }
    }
}
