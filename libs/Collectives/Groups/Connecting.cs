using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>Makes the connections of one generation; what it made is closed again unless it is handed over.</summary>
internal sealed class Connecting(Endpoint endpoint, Membership membership) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, BootstrapLink> _links = new(StringComparer.Ordinal);
    private readonly EdgeSet _edges = new();
    private readonly Dictionary<string, Socket> _lifelines = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, StateConnection> _streams = [];
    private bool _handedOver;

    /// <summary>Opens the bootstrap connection with a machine, and the lifeline beside it.</summary>
    public Task DialLinkAsync(Member peer, CancellationToken ct) => LinkAsync(peer, membership.LinkWith(peer), name => DialAsync(name, peer, ct));

    /// <summary>The other side of <see cref="DialLinkAsync"/>.</summary>
    public Task AcceptLinkAsync(Member peer, CancellationToken ct) => LinkAsync(peer, membership.LinkFrom(peer), name => membership.AwaitAsync(peer.Machine, name, ct).AsTask());

    /// <summary>Opens connections for state, numbered from 0.</summary>
    public Task DialStreamsAsync(Member to, int streams, CancellationToken ct) => Task.WhenAll(Enumerable.Range(0, streams).Select(async stream =>
        KeepStream(stream, await DialAsync(membership.Stream(membership.Machine, to.Machine, stream), to, ct).ConfigureAwait(false), to.Machine)));

    /// <summary>The other side of <see cref="DialStreamsAsync"/>.</summary>
    public Task AcceptStreamsAsync(string from, int streams, CancellationToken ct) => Task.WhenAll(Enumerable.Range(0, streams).Select(async stream =>
        KeepStream(stream, await membership.AwaitAsync(from, membership.Stream(from, membership.Machine, stream), ct).ConfigureAwait(false), from)));

    /// <summary>Waits for bootstrap connections, and opens the data connections of phase 1 beside them.</summary>
    public Task ConnectAsync(IEnumerable<Task> links, CancellationToken ct) =>
        Task.WhenAll(links.Concat(membership.Part.Added.Where(membership.IsMadeInPhaseOne).Select(edge => OpenAsync(edge, ct))));

    // Makes this machine's ends of an edge.
    private async Task OpenAsync(RingEdge edge, CancellationToken ct)
    {
        var (from, to) = (membership.To[edge.FromRank], membership.To[edge.ToRank]);
        if (edge.IsIntraMachine)
        {
            Keep(() => _edges.AddInside(edge, membership.To));
            return;
        }

        if (from.Machine == membership.Machine)
        {
            var socket = await DialAsync(membership.NameOf(edge), to, ct).ConfigureAwait(false);
            Keep(() => _edges.Outbound.Add(edge, new TcpOutboundEdge(socket, to, edge.Group.Kind)), socket);
        }
        else
        {
            var socket = await membership.AwaitAsync(from.Machine, membership.NameOf(edge), ct).ConfigureAwait(false);
            Keep(() => _edges.Inbound.Add(edge, new TcpInboundEdge(socket, from)), socket);
        }

        endpoint.CountDataConnection();
    }

    /// <summary>The connections for state, in the order of their numbers; with <see cref="HandOver"/> they are the caller's.</summary>
    public IReadOnlyList<StateConnection> Streams
    {
        get
        {
            lock (_gate)
                return [.. _streams.Values];
        }
    }

    public (Dictionary<string, BootstrapLink> Links, EdgeSet Edges) HandOver()
    {
        lock (_gate)
        {
            _handedOver = true;
            foreach (var (machine, lifeline) in _lifelines)
                _links[machine].Tie(lifeline);
            return (_links, _edges);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_handedOver)
                return;
            _handedOver = true;
            foreach (var link in _links.Values)
            {
                link.Send(LinkFrameKind.Goodbye, membership.Scope, []);
                link.Close();
            }

            foreach (var lifeline in _lifelines.Values)
                Lifeline.Decline(lifeline);

            _edges.Dispose();
            foreach (var stream in _streams.Values)
                stream.Dispose();
        }
    }

    private Task<Socket> DialAsync(ConnectionName name, Member peer, CancellationToken ct) =>
        endpoint.Dialer.DialAsync(membership, name, peer, ct);

    private void KeepStream(int stream, Socket socket, string peer) => Keep(() => _streams.Add(stream, new StateConnection(socket, peer, endpoint.Options.CallDeadline)), socket);

    private Task LinkAsync(Member peer, ConnectionName name, Func<ConnectionName, Task<Socket>> connect)
    {
        return Task.WhenAll(OpenLinkAsync(), OpenLifelineAsync());

        async Task OpenLinkAsync() => KeepLink(await connect(name).ConfigureAwait(false), peer);

        async Task OpenLifelineAsync()
        {
            var socket = await connect(name with { Purpose = ConnectionPurpose.Lifeline }).ConfigureAwait(false);
            Keep(() => _lifelines[peer.Machine] = socket, socket);
        }
    }

    // From its first moment a bootstrap connection is watched, so that neither side falls silent while the other connections are made.
    private void KeepLink(Socket socket, Member peer)
    {
        var link = endpoint.Watch(socket, peer);
        Keep(() => _links[peer.Machine] = link);
    }

    // What is made after everything was closed is closed too.
    private void Keep(Action keep, Socket? socket = null)
    {
        lock (_gate)
        {
            if (!_handedOver)
            {
                keep();
                return;
            }
        }

        socket?.Dispose();
        throw new OperationCanceledException($"Generation {membership.To.Generation} was given up.");
    }
}
