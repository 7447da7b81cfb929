using System.Diagnostics;
using System.Threading.Channels;

namespace TrainMover.Collectives;

/// <summary>
/// What phase 1 made: the next generation, ready and not yet in force. The running groups are not touched by it. Machines of the new topology, and the leavers as long as
/// they live, exchange messages and state through it.
/// </summary>
public sealed partial class PreparedGroups : ILinkObserver, IAsyncDisposable
{
    /// <summary>Longest message of <see cref="Send(string, ReadOnlySpan{byte})"/>, in bytes.</summary>
    public const int LongestMessage = LinkFrame.LongestPayload;

    private readonly Lock _gate = new();
    private readonly Endpoint _endpoint;
    private readonly Membership _membership;
    private readonly MachineGroups? _old;
    private readonly Dictionary<string, BootstrapLink> _links;

    // Whoever waits for messages goes on at once, on the thread that hears them: training may stand still for it.
    private readonly Channel<(string Machine, byte[] Message)> _messages =
        Channel.CreateUnbounded<(string, byte[])>(new UnboundedChannelOptions { AllowSynchronousContinuations = true });

    private readonly CancellationTokenSource _ended = new();
    private readonly EdgeSet _edges;
    private long _messageBytesSent;
    private long _messageBytesReceived;
    private long _stateBytesSent;
    private GroupFailure? _lost;
    private Phase _phase;

    internal PreparedGroups(
        Endpoint endpoint,
        Membership membership,
        MachineGroups? old,
        Dictionary<string, BootstrapLink> links,
        EdgeSet edges)
    {
        (_endpoint, _membership, _old, _links, _edges) = (endpoint, membership, old, links, edges);
        _untold = KeptNeighbours();
        endpoint.Track(this);
    }

    private enum Phase
    {
        Prepared,
        Switching,
        Switched,
        Ended,
    }

    /// <summary>The new topology.</summary>
    public Topology Topology => _membership.To;

    /// <summary>The plan as this machine computed it.</summary>
    public DeltaPlan Plan => _membership.Plan;

    /// <summary>Messages about this generation so far, with their headers: what phase 1 and the switch say over the bootstrap connections. Heart-beats belong to no generation.</summary>
    public Traffic Messages => new(Interlocked.Read(ref _messageBytesSent), Interlocked.Read(ref _messageBytesReceived));

    /// <summary>Bytes of state that <see cref="SendStateAsync"/> was given so far.</summary>
    public long StateBytesSent => Interlocked.Read(ref _stateBytesSent);

    /// <summary>
    /// Sends a message to a member of the new topology or a leaver; in order per receiver. To a machine that is lost it goes nowhere: the loss of a member is told by
    /// <see cref="ReceiveAsync"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The message is longer than <see cref="LongestMessage"/>, or the machine takes no part.</exception>
    public void Send(string machine, ReadOnlySpan<byte> message)
    {
        if (message.Length > LongestMessage)
            throw new ArgumentException($"A message has at most {LongestMessage} bytes, not {message.Length}.", nameof(message));
        BootstrapLink? link;
        lock (_gate)
            _links.TryGetValue(machine, out link);
        if (link is null && _membership.Leavers.All(leaver => leaver.Machine != machine))
            throw new ArgumentException($"{machine} takes no part in {Topology}.", nameof(machine));
        if (link is not null)
            Send(link, LinkFrameKind.Message, message);
    }

    private void Send(BootstrapLink link, LinkFrameKind kind, ReadOnlySpan<byte> payload)
    {
        Interlocked.Add(ref _messageBytesSent, LinkFrame.HeaderBytes + payload.Length);
        link.Send(kind, _membership.Scope, payload);
    }

    /// <summary>The next message, whoever sent it.</summary>
    /// <exception cref="GroupSetupException">What was prepared is lost, because a member of the new topology is; or it was dropped here.</exception>
    public async Task<(string Machine, byte[] Message)> ReceiveAsync(CancellationToken ct)
    {
        try
        {
            return await _messages.Reader.ReadAsync(ct).ConfigureAwait(false);
        }
        catch (ChannelClosedException ended)
        {
            throw ended.InnerException as GroupSetupException ?? Ended();
        }
    }

    /// <summary>Drops what phase 1 made; joiners are told, and the old groups are back to normal unharmed. Without effect once the switch has begun.</summary>
    public ValueTask AbortAsync()
    {
        lock (_gate)
        {
            if (_phase != Phase.Prepared)
                return ValueTask.CompletedTask;
            _phase = Phase.Ended;
        }

        List<BootstrapLink> links;
        lock (_gate)
            links = [.. _links.Values];
        foreach (var link in links)
        {
            if (IsNew(link))
                link.Send(LinkFrameKind.Goodbye, _membership.Scope, []);
            link.Detach(_membership.Scope, this);
        }

        _edges.Dispose();
        End(made: false);
        _old?.PreparationEnded();
        return ValueTask.CompletedTask;
    }

    /// <summary>As <see cref="AbortAsync"/>.</summary>
    public ValueTask DisposeAsync() => AbortAsync();

    void ILinkObserver.OnFrame(BootstrapLink link, LinkFrameKind kind, byte[] payload)
    {
        Interlocked.Add(ref _messageBytesReceived, LinkFrame.HeaderBytes + payload.Length);
        switch (kind)
        {
            case LinkFrameKind.Message:
                _messages.Writer.TryWrite((link.Peer.Machine, payload));
                break;
            case LinkFrameKind.Failure:
                Lose(FailureNotice.Decode(payload, link.Peer.Machine));
                break;
            case LinkFrameKind.Lacking:
                HearLacking(link, LackNotice.Decode(payload, Topology));
                break;
            case LinkFrameKind.Goodbye when IsMember(link):
                Lose(Loss(link, FailureKind.PeerReset, $"{link.Peer.Machine} gave generation {Topology.Generation} up."));
                break;
            default:
                break;
        }
    }

    void ILinkObserver.OnLost(BootstrapLink link, FailureKind kind, string detail)
    {
        if (IsMember(link))
            Lose(Loss(link, kind, detail));
    }

    internal void Attach(IEnumerable<BootstrapLink> links)
    {
        foreach (var link in links.ToList())
            link.Attach(_membership.Scope, this);
    }

    /// <summary>A joiner takes the bootstrap connection of a leaver whenever it comes; a dead one never does.</summary>
    internal async Task WelcomeLeaverAsync(Member leaver)
    {
        try
        {
            var name = _membership.LinkFrom(leaver);
            using var lifeline = await _membership.AwaitAsync(leaver.Machine, name with { Purpose = ConnectionPurpose.Lifeline }, _ended.Token).ConfigureAwait(false);
            var socket = await _membership.AwaitAsync(leaver.Machine, name, _ended.Token).ConfigureAwait(false);
            var link = _endpoint.Watch(socket, leaver);
            link.Tie(lifeline);
            bool welcome;
            lock (_gate)
            {
                welcome = _phase == Phase.Prepared;
                if (welcome)
                    _links[leaver.Machine] = link;
            }

            if (welcome)
                link.Attach(_membership.Scope, this);
            else
                link.Close();
        }
        catch (Exception ended) when (ended is OperationCanceledException or ChannelClosedException)
        {
            // Switched or dropped before the leaver came.
        }
    }

    internal void Sever()
    {
        lock (_gate)
        {
            foreach (var link in _links.Values)
                link.Sever();
            if (_phase == Phase.Prepared)
                _edges.Reset();
        }
    }

    private bool IsMember(BootstrapLink link) => Topology.On(link.Peer.Machine) is not null;

    /// <summary>Whether phase 1 made this connection.</summary>
    private bool IsNew(BootstrapLink link) => _membership.IsJoiner || _membership.Joiners.Any(joiner => joiner.Machine == link.Peer.Machine);

    private GroupFailure Loss(BootstrapLink link, FailureKind kind, string detail) =>
        new(kind, Topology.On(link.Peer.Machine)?.Rank, link.Peer.Machine, detail, Stopwatch.GetTimestamp());

    private void Lose(GroupFailure failure)
    {
        if (Interlocked.CompareExchange(ref _lost, failure, null) is not null)
            return;
        _messages.Writer.TryComplete(new GroupSetupException(failure.Detail, failure.SuspectMachine));
        _ = _ended.CancelAsync();
    }

    private void End(bool made)
    {
        CloseStateConnections();
        _messages.Writer.TryComplete(Ended());
        _ = _ended.CancelAsync();
        _endpoint.Forget(_membership, made);
        _endpoint.Untrack(this);
    }

    private GroupSetupException Ended() => new($"Generation {Topology.Generation} is switched to or dropped on {_membership.Machine}.", _membership.Machine);
}
