namespace TrainMover.Collectives;

/// <summary>
/// The bootstrap connections between a standby and the members of a running generation, made before anybody is lost (paper, general standby: it waits in phase 1). A member holds the one with the
/// standby, the standby one with every member, and of every plan that is held the data connections with the standby. When a member dies, phase 1 with the standby in its place takes them from here and dials none. Where the
/// standby follows a member, connections for its state are between these two.
/// </summary>
public sealed class ArmedLinks : ILinkObserver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Endpoint _endpoint;
    private readonly ulong _scope;
    private readonly Dictionary<string, BootstrapLink> _links;
    private readonly HashSet<string> _departed = new(StringComparer.Ordinal);
    private readonly List<StandingGeneration> _standing;
    private readonly TaskCompletionSource _confirmed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyList<StateConnection> _streams;

    internal ArmedLinks(
        Endpoint endpoint, Membership membership, Dictionary<string, BootstrapLink> links, IReadOnlyList<StateConnection> streams, IEnumerable<StandingGeneration> standing)
    {
        (_endpoint, _links, _streams, _standing) = (endpoint, links, streams, [.. standing]);
        // What is said about arming is said about no generation that anybody switches to.
        _scope = membership.Scope;
        endpoint.Track(this);
    }

    /// <summary>Raised with the name of a machine whose end closed without a goodbye: its process is gone. On the thread of the bootstrap connections, which must not be blocked.</summary>
    public event Action<string>? PeerReset;

    /// <summary>The connections for state between the standby and the member that it follows, in the order of their numbers; none on other members. They are the caller's, and are handed out once.</summary>
    public IReadOnlyList<StateConnection> TakeStreams()
    {
        lock (_gate)
        {
            var streams = _streams;
            _streams = [];
            return streams;
        }
    }

    /// <summary>Parts from the others in order; connections that a prepared or running generation uses as well live on.</summary>
    public ValueTask DisposeAsync()
    {
        foreach (var stream in TakeStreams())
            stream.Dispose();
        foreach (var standing in TakeStanding())
            standing.Dispose();
        foreach (var link in _links.Values)
        {
            link.Send(LinkFrameKind.Goodbye, _scope, []);
            link.Detach(_scope, this);
        }

        _endpoint.Untrack(this);
        return ValueTask.CompletedTask;
    }

    void ILinkObserver.OnFrame(BootstrapLink link, LinkFrameKind kind, byte[] payload)
    {
        if (kind == LinkFrameKind.Armed)
            _confirmed.TrySetResult();
        if (kind != LinkFrameKind.Goodbye)
            return;
        lock (_gate)
            _departed.Add(link.Peer.Machine);
        Refute(link, "it gave it up");
    }

    void ILinkObserver.OnLost(BootstrapLink link, FailureKind kind, string detail)
    {
        Refute(link, detail);
        if (kind == FailureKind.PeerReset && !HasDeparted(link.Peer.Machine))
            PeerReset?.Invoke(link.Peer.Machine);
    }

    /// <summary>Begins to listen; a loss that happened before is told at once.</summary>
    internal void Attach()
    {
        foreach (var link in _links.Values)
            link.Attach(_scope, this);
    }

    /// <summary>
    /// A standby that has everybody's connections says so, and a member counts on them from then on: whatever comes before finds nobody armed, neither the standby nor a member.
    /// </summary>
    /// <exception cref="GroupSetupException">The standby gave it up, or is lost.</exception>
    internal Task ConfirmAsync(bool isStandby)
    {
        if (isStandby)
        {
            foreach (var link in _links.Values)
                link.Send(LinkFrameKind.Armed, _scope, []);
            _confirmed.TrySetResult();
        }

        return _confirmed.Task;
    }

    /// <summary>Adds the connections with the machines of a topology to those that phase 1 has.</summary>
    internal void LendTo(Dictionary<string, BootstrapLink> links, Topology to)
    {
        foreach (var (machine, link) in _links.Where(pair => to.On(pair.Key) is not null))
            links.TryAdd(machine, link);
    }

    internal bool Has(string machine) => _links.TryGetValue(machine, out var link) && !link.IsLost && !HasDeparted(machine);

    /// <summary>
    /// What was made of phase 1 of a generation in advance; the caller's. Null where nothing was. Where somebody has given it up since, phase 1 is lost at once by the connection with them, as <see cref="LendTo"/> gives it: the
    /// others count on what was made, and would not make it anew.
    /// </summary>
    internal StandingGeneration? Take(Topology to)
    {
        lock (_gate)
        {
            var standing = _standing.Find(one => one.To == to);
            if (standing is not null)
                _standing.Remove(standing);
            return standing;
        }
    }

    private void Refute(BootstrapLink link, string why) =>
        _confirmed.TrySetException(new GroupSetupException($"{link.Peer.Machine} is not armed: {why}.", link.Peer.Machine));

    private List<StandingGeneration> TakeStanding()
    {
        lock (_gate)
        {
            List<StandingGeneration> standing = [.. _standing];
            _standing.Clear();
            return standing;
        }
    }

    private bool HasDeparted(string machine)
    {
        lock (_gate)
            return _departed.Contains(machine);
    }
}
