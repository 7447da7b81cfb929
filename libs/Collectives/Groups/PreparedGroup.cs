namespace TrainMover.Collectives;

/// <summary>What phase 1 made.</summary>
public sealed class PreparedGroup : IAsyncDisposable
{
    /// <summary>The new topology.</summary>
    public Topology Topology => throw new NotSupportedException();

    /// <summary>The plan computed here.</summary>
    public DeltaPlan Plan => throw new NotSupportedException();

    /// <summary>Sends a small message (at most 64 KB).</summary>
    public void Send(string machine, ReadOnlySpan<byte> message) => throw new NotSupportedException();

    /// <summary>The next message.</summary>
    public Task<(string Machine, byte[] Message)> ReceiveAsync(CancellationToken ct) => throw new NotSupportedException();

    /// <summary>Sends native memory.</summary>
    public Task<long> SendStateAsync(string toMachine, IReadOnlyList<MemoryRegion> regions, CancellationToken ct) => throw new NotSupportedException();

    /// <summary>Receives native memory.</summary>
    public Task<long> ReceiveStateAsync(string fromMachine, IReadOnlyList<MemoryRegion> regions, CancellationToken ct) => throw new NotSupportedException();

    /// <summary>Phase 2.</summary>
    public Task<(CommunicationGroup Group, ConnectionCounts Counts)> SwitchoverAsync(CancellationToken ct) => throw new NotSupportedException();

    /// <summary>Drops what phase 1 made.</summary>
    public ValueTask AbortAsync() => DisposeAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
