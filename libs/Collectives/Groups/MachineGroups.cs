using System.Diagnostics;

namespace TrainMover.Collectives;

/// <summary>
/// All communication groups of one generation on one machine: those of each of its ranks, and one bootstrap connection with every other machine. The first call that fails, of any rank, ends
/// all groups of the generation here with one typed error, and is passed on to all machines.
/// </summary>
public sealed partial class MachineGroups : ILinkObserver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Endpoint _endpoint;
    private readonly RankGroups[] _ranks;
    private readonly Dictionary<string, BootstrapLink> _links;
    private readonly HashSet<string> _departed = new(StringComparer.Ordinal);
    private readonly ulong _scope;
    private GroupFailure? _failure;
    private GroupState _state = GroupState.Normal;
    private bool _closed;

    internal MachineGroups(Endpoint endpoint, Membership membership, Dictionary<string, BootstrapLink> links, EdgeSet edges)
    {
        _endpoint = endpoint;
        _links = links;
        _scope = membership.Scope;
        Topology = membership.To;
        Machine = membership.Machine;
        Ranks = Topology.RanksOf(Machine);
        _ranks = [.. Ranks.Select(rank => new RankGroups(this, rank, edges, endpoint.Options.CallDeadline))];
        endpoint.Track(this);
    }

    /// <summary>Raised once, on a thread of the pool, when the generation fails.</summary>
    public event Action<GroupFailure>? Failed;

    /// <summary>
    /// Raised with the name of a machine whose bootstrap connection closed without a goodbye: its process is gone. On the thread of the bootstrap connections, which must not be blocked; for every
    /// machine, also after the generation has failed.
    /// </summary>
    public event Action<string>? PeerReset;

    /// <summary>Who belongs to it.</summary>
    public Topology Topology { get; }

    /// <summary>This machine.</summary>
    public string Machine { get; }

    /// <summary>The ranks that this machine holds, ascending.</summary>
    public IReadOnlyList<int> Ranks { get; }

    /// <summary>Where it stands.</summary>
    public GroupState State
    {
        get
        {
            lock (_gate)
                return _state;
        }
    }

    /// <summary>The first cause of its failure on this machine; null while it works.</summary>
    public GroupFailure? Failure => Volatile.Read(ref _failure);

    /// <summary>The groups of one of this machine's ranks.</summary>
    /// <param name="rank">Rank among all ranks of the job.</param>
    /// <exception cref="ArgumentOutOfRangeException">The rank is on another machine.</exception>
    public IRankGroups this[int rank] => Of(rank);

    /// <summary>
    /// Ends every pending and every later call here, and tells all machines, whose calls end at once too. Without effect on a generation that has failed or is closed.
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

        Interrupt();
        var notice = FailureNotice.Encode(cause);
        foreach (var link in _links.Values)
            link.Send(LinkFrameKind.Failure, _scope, notice);
        ThreadPool.UnsafeQueueUserWorkItem(static raised => raised.Groups.Failed?.Invoke(raised.Cause), (Groups: this, Cause: cause), preferLocal: false);
    }

    /// <summary>Leaves the generation in order: the others are told, and do not take the closed connections for a failure.</summary>
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
                Interrupt();
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

        if (kind == FailureKind.PeerReset)
            PeerReset?.Invoke(link.Peer.Machine);
        Fail(new GroupFailure(kind, Topology.On(link.Peer.Machine)?.Rank, link.Peer.Machine, detail, Stopwatch.GetTimestamp()));
    }

    internal void ThrowUnlessUsable()
    {
        if (Failure is { } failure)
            throw new CollectiveException(failure);
        ObjectDisposedException.ThrowIf(State == GroupState.Closed, this);
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
        Fail(new GroupFailure(FailureKind.Ordered, Ranks[0], Machine, "This endpoint was severed.", Stopwatch.GetTimestamp()));
        foreach (var group in _ranks.SelectMany(rank => rank.All))
            group.Reset();
    }

    /// <summary>Gives the data connections to the next generation. Calls in progress have failed or are awaited.</summary>
    internal EdgeSet ReleaseConnections()
    {
        var edges = new EdgeSet();
        foreach (var rank in _ranks)
            rank.ReleaseInto(edges);
        return edges;
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

    private RankGroups Of(int rank) =>
        _ranks.FirstOrDefault(groups => groups.Rank == rank) ?? throw new ArgumentOutOfRangeException(nameof(rank), rank, $"{Machine} does not hold this rank.");

    private void Interrupt()
    {
        foreach (var group in _ranks.SelectMany(rank => rank.All))
            group.Interrupt();
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

        Interrupt();
        foreach (var group in _ranks.SelectMany(rank => rank.All))
            group.Close();
        _endpoint.Untrack(this);
        return true;
    }
}
