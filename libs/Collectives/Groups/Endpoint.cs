using System.Net;

namespace TrainMover.Collectives;

/// <summary>
/// One per worker process: the only listener, for bootstrap, data and state connections alike. It hand-shakes whoever connects, sends and watches heart-beats
/// and spreads failures.
/// </summary>
public sealed class Endpoint : IAsyncDisposable
{
    /// <summary>Starts to listen.</summary>
    public static Endpoint Listen(string machine, IPAddress address, int port = 0, CollectivesOptions? options = null) => throw new NotSupportedException();

    /// <summary>TCP port of the listener.</summary>
    public int Port => throw new NotSupportedException();

    /// <summary>Name of the machine that this endpoint speaks for.</summary>
    public string Machine => throw new NotSupportedException();

    /// <summary>Connections that were closed because they did not prove their place.</summary>
    public long RejectedHandshakes => throw new NotSupportedException();

    /// <summary>Creates a group of a brand-new topology: bootstraps with all members and opens all edges of the ring.</summary>
    public Task<CommunicationGroup> CreateGroupAsync(Topology topology, int rank, CancellationToken ct) => throw new NotSupportedException();

    /// <summary>Phase 1 of a joiner.</summary>
    public Task<PreparedGroup> PrepareJoinerAsync(Topology from, Topology to, int rank, CancellationToken ct) => throw new NotSupportedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
