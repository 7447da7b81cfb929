namespace TrainMover.Collectives;

/// <summary>The data connections of a machine on their way into a new generation.</summary>
internal sealed class SwitchedEdges(Endpoint endpoint, Membership membership)
{
    private readonly Topology _to = membership.To;
    private readonly Lock _gate = new();
    private ConnectionCounts _counts = new(0, 0, 0, 0);
    private (IReadOnlyList<OutboundEdge> Outbound, IReadOnlyList<InboundEdge> Inbound) _kept = ([], []);

    /// <summary>What there is of the new generation's connections.</summary>
    public EdgeSet Edges { get; } = new();

    /// <summary>What was done so far.</summary>
    public ConnectionCounts Counts
    {
        get
        {
            lock (_gate)
                return _counts;
        }
    }

    /// <summary>The connections of phase 1, which count as added.</summary>
    public void TakePrepared(EdgeSet prepared)
    {
        Count(added: prepared.Edges.Count());
        prepared.MoveTo(Edges);
    }

    /// <summary>Keeps what the plan keeps, under its new name, and closes the rest.</summary>
    public void TakeOld(EdgeSet old)
    {
        var kept = new EdgeSet();
        foreach (var (before, edge) in membership.Part.Stays.Where(pair => !membership.IsRenewed(pair.New)))
        {
            if (old.Outbound.Remove(before, out var outbound))
            {
                outbound.Peer = _to[edge.ToRank];
                kept.Outbound.Add(edge, outbound);
            }

            if (old.Inbound.Remove(before, out var inbound))
            {
                inbound.Peer = _to[edge.FromRank];
                kept.Inbound.Add(edge, inbound);
            }
        }

        foreach (var edge in kept.Edges)
            Count(kept: edge.IsIntraMachine ? 0 : 1, inherited: edge.IsIntraMachine ? 1 : 0);
        Count(removed: old.Edges.Count());
        old.Dispose();
        _kept = ([.. kept.Outbound.Values], [.. kept.Inbound.Values]);
        kept.MoveTo(Edges);
    }

    /// <summary>Opens what the plan adds and marks the new generation on what it keeps.</summary>
    /// <exception cref="RingFault">A neighbour is gone, or a kept connection is.</exception>
    /// <exception cref="OperationCanceledException">Not in time.</exception>
    public void Complete(CancellationToken ct)
    {
        var missing = membership.Part.Added.Concat(membership.Renewed).Where(edge => !Edges.Outbound.ContainsKey(edge) && !Edges.Inbound.ContainsKey(edge)).ToList();
        if (missing.Count > 0)
            OpenAndMarkAsync(missing, ct).GetAwaiter().GetResult();
        else
            Mark(ct);
    }

    private async Task OpenAndMarkAsync(IReadOnlyList<RingEdge> missing, CancellationToken ct)
    {
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var marking = Task.Factory.StartNew(() => Mark(broken.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var tasks = missing.Select(edge => OpenAsync(edge, broken.Token)).Append(marking).ToList();
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

    private async Task OpenAsync(RingEdge edge, CancellationToken ct)
    {
        var (from, to) = (_to[edge.FromRank], _to[edge.ToRank]);
        if (edge.IsIntraMachine)
        {
            lock (_gate)
                Edges.AddInside(edge, _to);
            Count(added: 1);
            return;
        }

        if (from.Machine == membership.Machine)
        {
            var socket = await endpoint.Dialer.DialAsync(membership, membership.NameOf(edge), to, ct).ConfigureAwait(false);
            lock (_gate)
                Edges.Outbound.Add(edge, new TcpOutboundEdge(socket, to, edge.Group.Kind));
        }
        else
        {
            var socket = await membership.AwaitAsync(from.Machine, membership.NameOf(edge), ct).ConfigureAwait(false);
            lock (_gate)
                Edges.Inbound.Add(edge, new TcpInboundEdge(socket, from));
        }

        Count(added: 1);
        endpoint.CountDataConnection();
    }

    private void Mark(CancellationToken ct)
    {
        if (_kept.Outbound.Count + _kept.Inbound.Count == 0)
            return;
        using var waker = new Waker();
        using var registration = ct.Register(waker.Interrupt);
        Resynchronization.Run(_kept.Outbound, _kept.Inbound, _to.Generation, waker, () => ct.IsCancellationRequested, endpoint.Options.SetupDeadline);
    }

    private void Count(int kept = 0, int inherited = 0, int removed = 0, int added = 0)
    {
        lock (_gate)
            _counts = new ConnectionCounts(_counts.Kept + kept, _counts.Inherited + inherited, _counts.Removed + removed, _counts.Added + added);
    }
}
