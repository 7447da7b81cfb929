using System.Diagnostics;

namespace TrainMover.Collectives;

/// <summary>
/// A communication group over TCP: one data connection to the next rank of the ring, one from the previous, and bootstrap connections with all members. Calls run on the
/// calling thread, one at a time, and allocate nothing.
/// </summary>
public sealed partial class CommunicationGroup : ICommunicator, ILinkObserver, IAsyncDisposable
{
    private readonly Lock _calls = new();
    private readonly Lock _gate = new();
    private readonly Endpoint _endpoint;
    private readonly Ring _ring;
    private readonly Dictionary<string, BootstrapLink> _links;
    private readonly HashSet<string> _departed = new(StringComparer.Ordinal);
    private readonly ulong _scope;
    private GroupFailure? _failure;
    private GroupState _state = GroupState.Normal;

    internal CommunicationGroup(
        Endpoint endpoint,
        Membership membership,
        Dictionary<string, BootstrapLink> links,
        OutboundEdge? outbound,
        InboundEdge? inbound)
    {
        _endpoint = endpoint;
        _links = links;
        _scope = membership.Scope;
        _ring = new Ring(membership.To.Generation, outbound, inbound, endpoint.Options.CallDeadline);
        Topology = membership.To;
        Rank = membership.Rank!.Value;
        endpoint.Track(this);
    }

    /// <summary>Raised once, on a thread of the pool, when the group fails.</summary>
    public event Action<GroupFailure>? Failed;

    /// <summary>Who belongs to it.</summary>
    public Topology Topology { get; }

    /// <summary>Where it stands.</summary>
    public GroupState State
    {
        get
        {
            lock (_gate)
                return _state;
        }
    }

    /// <summary>The first cause of its failure on this rank; null while it works.</summary>
    public GroupFailure? Failure => Volatile.Read(ref _failure);

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size => Topology.Size;

    /// <summary>
    /// Ends every pending and every later call here, and tells all members, whose calls end at once too. Without effect on a group that has failed or is closed.
    /// Bootstrap connections live on, for the next generation.
    /// </summary>
    public void Fail(GroupFailure cause)
    {
        ArgumentNullException.ThrowIfNull(cause);
        lock (_gate)
        {
            if (_state is GroupState.Closed or GroupState.Failed)
                return;
            _state = GroupState.Failed;
            Volatile.Write(ref _failure, cause);
        }

        _ring.Interrupt();
        var notice = FailureNotice.Encode(cause);
        foreach (var link in _links.Values)
            link.Send(LinkFrameKind.Failure, _scope, notice);
        ThreadPool.UnsafeQueueUserWorkItem(static raised => raised.Group.Failed?.Invoke(raised.Cause), (Group: this, Cause: cause), preferLocal: false);
    }

    /// <summary>Leaves the group in order: members are told, and do not take the closed connections for a failure.</summary>
    public ValueTask DisposeAsync()
    {
        if (!Close())
            return ValueTask.CompletedTask;
        foreach (var link in _links.Values)
        {
            link.Send(LinkFrameKind.Goodbye, _scope, []);
            link.Detach(_scope, this);
        }

        return ValueTask.CompletedTask;
    }

    void ILinkObserver.OnFrame(BootstrapLink link, LinkFrameKind kind, byte[] payload)
    {
        switch (kind)
        {
            case LinkFrameKind.Failure:
                Fail(FailureNotice.Decode(payload, link.Peer.Machine));
                break;
            case LinkFrameKind.Goodbye:
                lock (_gate)
                    _departed.Add(link.Peer.Machine);
                break;
            case LinkFrameKind.Removed:
                lock (_gate)
                    _state = GroupState.Closed;
                _ring.Interrupt();
                break;
            default:
                break;
        }
    }

    void ILinkObserver.OnLost(BootstrapLink link, FailureKind kind, string detail)
    {
        lock (_gate)
        {
            if (_departed.Contains(link.Peer.Machine))
                return;
        }

        Fail(new GroupFailure(kind, Topology.On(link.Peer.Machine)?.Rank, link.Peer.Machine, detail, Stopwatch.GetTimestamp()));
    }

    internal void Attach()
    {
        foreach (var link in _links.Values)
            link.Attach(_scope, this);
    }

    internal void Sever()
    {
        foreach (var link in _links.Values)
            link.Sever();
        _ring.Reset();
        Fail(new GroupFailure(FailureKind.Ordered, Rank, Topology[Rank].Machine, "This endpoint was severed.", Stopwatch.GetTimestamp()));
    }

    /// <summary>Gives the data connections to the next generation. Calls in progress have failed or are awaited.</summary>
    internal (OutboundEdge? Outbound, InboundEdge? Inbound) ReleaseConnections()
    {
        lock (_calls)
            return _ring.Release();
    }

    /// <summary>The next generation is in place. Machines that it does not have are told and parted from.</summary>
    internal void Replaced(ulong nextScope, Topology next)
    {
        Close();
        foreach (var (machine, link) in _links)
        {
            if (next.On(machine) is null)
            {
                link.Send(LinkFrameKind.Removed, _scope, []);
                link.Send(LinkFrameKind.Goodbye, nextScope, []);
            }

            link.Detach(_scope, this);
        }
    }

    private bool Close()
    {
        lock (_gate)
        {
            _state = GroupState.Closed;
            if (_closed)
                return false;
            _closed = true;
        }

        _ring.Interrupt();
        lock (_calls)
            _ring.Dispose();
        _endpoint.Untrack(this);
        return true;
    }
}
