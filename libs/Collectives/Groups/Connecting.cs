namespace TrainMover.Collectives;

/// <summary>Makes the connections of one generation; what it made is closed again unless it is handed over.</summary>
internal sealed class Connecting(Endpoint endpoint, Membership membership) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, BootstrapLink> _links = new(StringComparer.Ordinal);
    private OutboundEdge? _outbound;
    private InboundEdge? _inbound;
    private bool _handedOver;

    public async Task DialLinkAsync(Member peer, CancellationToken ct) =>
        Keep(await DialAsync(ConnectionPurpose.Bootstrap, peer, ct).ConfigureAwait(false), peer);

    public async Task AcceptLinkAsync(Member peer, CancellationToken ct) =>
        Keep(await membership.AwaitAsync(ConnectionPurpose.Bootstrap, peer.Machine, ct).ConfigureAwait(false), peer);

    public async Task DialEdgeAsync(Member next, CancellationToken ct)
    {
        var edge = new OutboundEdge(await DialAsync(ConnectionPurpose.RingEdge, next, ct).ConfigureAwait(false), next);
        endpoint.CountDataConnection();
        lock (_gate)
            _outbound = edge;
    }

    public async Task AcceptEdgeAsync(Member previous, CancellationToken ct)
    {
        var edge = new InboundEdge(await membership.AwaitAsync(ConnectionPurpose.RingEdge, previous.Machine, ct).ConfigureAwait(false), previous);
        endpoint.CountDataConnection();
        lock (_gate)
            _inbound = edge;
    }

    public (Dictionary<string, BootstrapLink> Links, OutboundEdge? Outbound, InboundEdge? Inbound) HandOver()
    {
        lock (_gate)
        {
            _handedOver = true;
            return (_links, _outbound, _inbound);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_handedOver)
                return;
            foreach (var link in _links.Values)
            {
                link.Send(LinkFrameKind.Goodbye, membership.Scope, []);
                link.Close();
            }

            _outbound?.Dispose();
            _inbound?.Dispose();
        }
    }

    private Task<System.Net.Sockets.Socket> DialAsync(ConnectionPurpose purpose, Member peer, CancellationToken ct) =>
        Dialer.DialAsync(membership, purpose, peer, endpoint.Options.HandshakeDeadline, ct);

    // From its first moment a bootstrap connection is watched, so that neither side falls silent while the other connections are made.
    private void Keep(System.Net.Sockets.Socket socket, Member peer)
    {
        var link = endpoint.Watch(socket, peer);
        lock (_gate)
            _links[peer.Machine] = link;
    }
}
