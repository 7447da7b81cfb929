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
    private readonly Ring[] _channels;

    internal CommunicationGroup(MachineGroups generation, GroupId id, int rank, int size, Ring[] channels)
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

    /// <summary>As <see cref="MachineGroups.Fail"/>: all groups of the generation end.</summary>
    public void Fail(GroupFailure cause) => _generation.Fail(cause);

    internal static GroupFailure AsFailure(RingFault fault) =>
        new(fault.Kind, fault.Suspect?.Rank, fault.Suspect?.Machine, fault.Message, Stopwatch.GetTimestamp());

    /// <summary>Ends the call in progress and all later ones; from any thread.</summary>
    internal void Interrupt()
    {
        foreach (var channel in _channels)
            channel.Interrupt();
    }

    /// <summary>Resets every connection, as the death of this process would.</summary>
    internal void Reset()
    {
        foreach (var channel in _channels)
            channel.Reset();
    }

    /// <summary>Gives the data connections to the next generation. A call in progress has failed or is awaited.</summary>
    internal (OutboundEdge? Outbound, InboundEdge? Inbound)[] Release()
    {
        lock (_calls)
            return [.. _channels.Select(channel => channel.Release())];
    }

    /// <summary>Which ends of a channel are whole; after a switch that failed half-way some are missing.</summary>
    internal (bool Outbound, bool Inbound) HasEnds(int channel) => (IsWhole(_channels[channel].Outbound), IsWhole(_channels[channel].Inbound));

    internal void Close()
    {
        Interrupt();
        lock (_calls)
        {
            foreach (var channel in _channels)
                channel.Dispose();
        }
    }

    private static bool IsWhole(RingConnection? edge) => edge is not null && !Wire.IsBroken(edge.Descriptor);

    private void Call(in RingSchedule schedule)
    {
        lock (_calls)
        {
            _generation.ThrowUnlessUsable();
            if (Size == 1)
                return;
            try
            {
                _channels[0].Run(schedule);
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
