using System.Runtime.InteropServices;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>
/// Passes every collective on to the real group and keeps what went in (as a digest) and what came out (as bytes), after the call has completed.
/// It wraps the group for the recorded step only, so later steps pay nothing.
/// </summary>
/// <param name="group">The real group.</param>
public sealed class RecordingCommunicator(ICommunicator group) : ICommunicator
{
    private readonly List<RecordedCall> _calls = [];

    /// <inheritdoc/>
    public int Rank => group.Rank;

    /// <inheritdoc/>
    public int Size => group.Size;

    /// <summary>Collectives that have completed, in order.</summary>
    public IReadOnlyList<RecordedCall> Calls => _calls;

    /// <inheritdoc/>
    public void AllReduce(Span<float> buffer, ReduceOperation operation)
    {
        var bytes = MemoryMarshal.AsBytes(buffer);
        var input = CollectiveCall.DigestOf(bytes);
        group.AllReduce(buffer, operation);
        Keep(CollectiveCall.AllReduce(operation), bytes.Length, input, bytes);
    }

    /// <inheritdoc/>
    public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all)
    {
        var input = CollectiveCall.DigestOf(mine);
        group.AllGather(mine, all);
        Keep(CollectiveCall.AllGather, mine.Length, input, all);
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> buffer, int root)
    {
        var input = CollectiveCall.DigestOf(root == Rank ? buffer : []);
        group.Broadcast(buffer, root);
        Keep(CollectiveCall.Broadcast(root), buffer.Length, input, buffer);
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        group.Barrier();
        Keep(CollectiveCall.Barrier, 0, CollectiveCall.DigestOf([]), []);
    }

    /// <inheritdoc/>
    public void ReduceScatter(Span<float> buffer)
    {
        var input = CollectiveCall.DigestOf(MemoryMarshal.AsBytes(buffer));
        group.ReduceScatter(buffer);
        Keep(CollectiveCall.ReduceScatter, buffer.Length * sizeof(float), input, MemoryMarshal.AsBytes(buffer[group.PartOf(buffer.Length, Rank)]));
    }

    /// <inheritdoc/>
    public void AllGather(Span<float> buffer)
    {
        var input = CollectiveCall.DigestOf(MemoryMarshal.AsBytes(buffer[group.PartOf(buffer.Length, Rank)]));
        group.AllGather(buffer);
        Keep(CollectiveCall.GatherParts, buffer.Length * sizeof(float), input, MemoryMarshal.AsBytes(buffer));
    }

    /// <inheritdoc/>
    public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious)
    {
        var input = CollectiveCall.DigestOf(toNext);
        group.Shift(toNext, fromPrevious);
        Keep(CollectiveCall.Shift, toNext.Length, input, fromPrevious);
    }

    private void Keep(string operation, long length, string input, ReadOnlySpan<byte> output) =>
        _calls.Add(new RecordedCall(_calls.Count, operation, length, input, output.ToArray()));
}
