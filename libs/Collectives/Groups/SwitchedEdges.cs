namespace TrainMover.Collectives;

/// <summary>The two data connections of a rank on their way into a new generation.</summary>
internal sealed class SwitchedEdges(Endpoint endpoint, Membership membership, int rank)
{
    private readonly Topology _to = membership.To;
    private readonly Lock _gate = new();
    private OutboundEdge? _keptOut;
    private InboundEdge? _keptIn;

    public OutboundEdge? Outbound { get; private set; }

    public InboundEdge? Inbound { get; private set; }

    public ConnectionCounts Counts { get; private set; } = new(0, 0, 0, 0);

    private Member Next => _to[(rank + 1) % _to.Size];

    private Member Previous => _to[(rank + _to.Size - 1) % _to.Size];

    private RingEdge OutEdge => new(rank, membership.Machine, Next.Rank, Next.Machine);

    private RingEdge InEdge => new(Previous.Rank, Previous.Machine, rank, membership.Machine);

    /// <summary>Keeps what the plan keeps and closes the rest. A joiner's connections of phase 1 count as added.</summary>
    public void Take(OutboundEdge? outbound, InboundEdge? inbound, bool prepared)
    {
        if (prepared)
        {
            (Outbound, Inbound) = (outbound, inbound);
            Count(added: (outbound is null ? 0 : 1) + (inbound is null ? 0 : 1));
            return;
        }

        if (outbound is not null && membership.Plan.Kept.Contains(OutEdge))
            Outbound = _keptOut = Kept(outbound, Next);
        else
            Drop(outbound);
        if (inbound is not null && membership.Plan.Kept.Contains(InEdge))
            Inbound = _keptIn = Kept(inbound, Previous);
        else
            Drop(inbound);
    }

    /// <summary>Opens what the plan adds and marks the new generation on what it keeps.</summary>
    /// <exception cref="RingFault">A neighbour is gone, or a kept connection is.</exception>
    /// <exception cref="OperationCanceledException">Not in time.</exception>
    public async Task CompleteAsync(CancellationToken ct)
    {
        if (_to.Size == 1)
            return;
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var tasks = new[] { OpenOutAsync(broken.Token), OpenInAsync(broken.Token), MarkAsync(broken.Token) };
        await foreach (var task in Task.WhenEach(tasks).ConfigureAwait(false))
        {
            if (!task.IsCompletedSuccessfully)
                await broken.CancelAsync().ConfigureAwait(false);
        }

        // The fault says more than the cancellation that it caused.
        if (tasks.Select(task => task.Exception?.InnerException).OfType<RingFault>().FirstOrDefault() is { } fault)
            throw fault;
        await Task.WhenAll(tasks).ConfigureAwait(false);
    }

    private async Task OpenOutAsync(CancellationToken ct)
    {
        if (Outbound is not null)
            return;
        RequireAdded(OutEdge, Next);
        var socket = await Dialer.DialAsync(membership, ConnectionPurpose.RingEdge, Next, endpoint.Options.HandshakeDeadline, ct).ConfigureAwait(false);
        Outbound = new OutboundEdge(socket, Next);
        Count(added: 1);
        endpoint.CountDataConnection();
    }

    private async Task OpenInAsync(CancellationToken ct)
    {
        if (Inbound is not null)
            return;
        RequireAdded(InEdge, Previous);
        var socket = await membership.AwaitAsync(ConnectionPurpose.RingEdge, Previous.Machine, ct).ConfigureAwait(false);
        Inbound = new InboundEdge(socket, Previous);
        Count(added: 1);
        endpoint.CountDataConnection();
    }

    private async Task MarkAsync(CancellationToken ct)
    {
        if (_keptOut is null && _keptIn is null)
            return;
        using var interruption = new Signal();
        using var registration = ct.Register(interruption.Set);
        await Task.Factory.StartNew(
            () => Resynchronization.Run(_keptOut, _keptIn, _to.Generation, interruption, () => ct.IsCancellationRequested, endpoint.Options.SetupDeadline),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).ConfigureAwait(false);
    }

    private void RequireAdded(RingEdge edge, Member peer)
    {
        if (!membership.Plan.Added.Contains(edge))
            throw new RingFault(FailureKind.PeerReset, peer, $"The connection with {peer.Machine}, which the plan keeps, is gone.");
    }

    private TEdge Kept<TEdge>(TEdge edge, Member peer)
        where TEdge : RingConnection
    {
        edge.Peer = peer;
        Count(kept: 1);
        return edge;
    }

    private void Drop(RingConnection? edge)
    {
        if (edge is null)
            return;
        edge.Dispose();
        Count(removed: 1);
    }

    private void Count(int kept = 0, int removed = 0, int added = 0)
    {
        lock (_gate)
            Counts = new ConnectionCounts(Counts.Kept + kept, 0, Counts.Removed + removed, Counts.Added + added);
    }
}
