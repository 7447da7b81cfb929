namespace TrainMover.Collectives;

/// <summary>A communication group over TCP.</summary>
public sealed class CommunicationGroup : ICommunicator, IAsyncDisposable
{
    /// <summary>Who belongs to it.</summary>
    public Topology Topology => throw new NotSupportedException();

    /// <summary>Where it stands.</summary>
    public GroupState State => throw new NotSupportedException();

    /// <summary>The first cause of its failure on this rank; null while it works.</summary>
    public GroupFailure? Failure => throw new NotSupportedException();

    /// <inheritdoc/>
    public int Rank => throw new NotSupportedException();

    /// <inheritdoc/>
    public int Size => throw new NotSupportedException();

    /// <summary>Raised once, on the thread that noticed the failure.</summary>
    public event Action<GroupFailure>? Failed { add => throw new NotSupportedException(); remove => throw new NotSupportedException(); }

    /// <summary>Ends every pending and later call here and on all members.</summary>
    public void Fail(GroupFailure cause) => throw new NotSupportedException();

    /// <summary>Phase 1 of a stayer or a leaver.</summary>
    public Task<PreparedGroup> PrepareStayersAsync(Topology to, CancellationToken ct) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void AllReduce(Span<float> buffer, ReduceOperation operation) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Broadcast(Span<byte> buffer, int root) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Barrier() => throw new NotSupportedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
