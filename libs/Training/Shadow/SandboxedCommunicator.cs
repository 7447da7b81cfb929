using System.Runtime.InteropServices;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>A call inside the sandbox is not the call that was recorded at this place, so there is no answer to it.</summary>
/// <param name="message">What was called and what was recorded.</param>
public sealed class SandboxException(string message) : Exception(message);

/// <summary>
/// The group as a shadow iteration sees it: every collective is answered from the record, barrier and broadcast as root are passed over. It holds no
/// socket and no other group, so no byte can leave the sandbox.
/// </summary>
/// <param name="record">The group in a verified record.</param>
public sealed class SandboxedCommunicator(RecordedGroup record) : ICommunicator
{
    private readonly List<bool> _inputsMatch = [];

    /// <inheritdoc/>
    public int Rank => record.Rank;

    /// <inheritdoc/>
    public int Size => record.Size;

    /// <summary>Calls answered so far.</summary>
    public int Calls => _inputsMatch.Count;

    /// <summary>Bytes copied from the record into the callers' buffers.</summary>
    public long BytesAnswered { get; private set; }

    /// <summary>For each call, whether what would have been sent is bit-equal to what the recorded rank sent.</summary>
    public IReadOnlyList<bool> InputsMatch => _inputsMatch;

    /// <summary>Whether every recorded call was made.</summary>
    public bool Complete => Calls == record.Calls.Count;

    /// <inheritdoc/>
    public void AllReduce(Span<float> buffer, ReduceOperation operation)
    {
        var bytes = MemoryMarshal.AsBytes(buffer);
        Answer(CollectiveCall.AllReduce(operation), bytes.Length, bytes, bytes);
    }

    /// <inheritdoc/>
    public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all) => Answer(CollectiveCall.AllGather, mine.Length, mine, all);

    /// <inheritdoc/>
    public void Broadcast(Span<byte> buffer, int root)
    {
        if (root == Rank)
            Answer(CollectiveCall.Broadcast(root), buffer.Length, buffer, []);
        else
            Answer(CollectiveCall.Broadcast(root), buffer.Length, [], buffer);
    }

    /// <inheritdoc/>
    public void Barrier() => Answer(CollectiveCall.Barrier, 0, [], []);

    /// <inheritdoc/>
    public void ReduceScatter(Span<float> buffer) => Answer(
        CollectiveCall.ReduceScatter, buffer.Length * sizeof(float), MemoryMarshal.AsBytes(buffer),
        MemoryMarshal.AsBytes(buffer[((ICommunicator)this).PartOf(buffer.Length, Rank)]));

    /// <inheritdoc/>
    public void AllGather(Span<float> buffer) => Answer(
        CollectiveCall.GatherParts, buffer.Length * sizeof(float),
        MemoryMarshal.AsBytes(buffer[((ICommunicator)this).PartOf(buffer.Length, Rank)]), MemoryMarshal.AsBytes(buffer));

    /// <inheritdoc/>
    public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious) => Answer(CollectiveCall.Shift, toNext.Length, toNext, fromPrevious);

    private void Answer(string operation, long length, ReadOnlySpan<byte> input, Span<byte> output)
    {
        if (Complete)
            throw new SandboxException($"Call {Calls} ({operation}, {length} bytes) has no answer: the record ends after {record.Calls.Count} calls.");
        var recorded = record.Calls[Calls];
        if (recorded.Operation != operation || recorded.Length != length)
            throw new SandboxException($"Call {Calls} is {operation} of {length} bytes, the record has {recorded.Operation} of {recorded.Length} bytes.");
        if (!output.IsEmpty && recorded.Output.Length != output.Length)
            throw new SandboxException($"Call {Calls} ({operation}) wants {output.Length} bytes, the record holds {recorded.Output.Length}.");

        _inputsMatch.Add(CollectiveCall.DigestOf(input) == recorded.InputDigest);
        if (output.IsEmpty)
            return;
        recorded.Output.Span.CopyTo(output);
        BytesAnswered += output.Length;
    }
}
