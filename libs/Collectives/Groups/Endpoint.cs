using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>
/// One per worker process: the only listener, for bootstrap, data and state connections alike. It hand-shakes whoever connects, sends and watches heart-beats
/// and spreads failures.
/// </summary>
public sealed class Endpoint : IAsyncDisposable
{
    private readonly HandshakeLoop _handshakes;
    private readonly Reception _reception;
    private readonly BootstrapLoop _loop;
    private readonly ConcurrentDictionary<IAsyncDisposable, bool> _open = new();
    private long _dataConnectionsOpened;
    private int _disposed;

    private Endpoint(string machine, Socket listener, CollectivesOptions options)
    {
        Machine = machine;
        Options = options;
        Port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        _handshakes = new HandshakeLoop(listener, options.HandshakeDeadline);
        _reception = new Reception(machine, _handshakes);
        Dialer = new Dialer(_handshakes, options.HandshakeDeadline);
        _loop = new BootstrapLoop(machine, options);
        _handshakes.Start(machine, _reception);
    }

    /// <summary>TCP port of the listener.</summary>
    public int Port { get; }

    /// <summary>Name of the machine that this endpoint speaks for.</summary>
    public string Machine { get; }

    /// <summary>Connections closed because they did not prove a place in a generation that this endpoint knows.</summary>
    public long RejectedHandshakes => _reception.Rejected;

    /// <summary>Ends of data connections (ring edges) opened here since the start, dialed or accepted.</summary>
    public long DataConnectionsOpened => Interlocked.Read(ref _dataConnectionsOpened);

    /// <summary>Why peers of this process learn that it was killed only when the system has taken its memory back; null where <see cref="CollectivesOptions.Lifelines"/> tell them at once.</summary>
    public static string? LifelineRefusal => HoldingThread.Instance is null ? HoldingThread.Refusal : null;

    internal CollectivesOptions Options { get; }

    internal Dialer Dialer { get; }

    internal int ParkedVisitors => _handshakes.Parked;

    /// <summary>Starts to listen.</summary>
    /// <param name="machine">Name of this machine, as topologies have it.</param>
    /// <param name="address">Local address to listen on.</param>
    /// <param name="port">TCP port; 0 lets the system choose.</param>
    /// <param name="options">Deadlines; null takes the defaults.</param>
    /// <exception cref="InvalidOperationException">The options break a rule.</exception>
    /// <exception cref="SocketException">The address or port cannot be listened on.</exception>
    public static Endpoint Listen(string machine, IPAddress address, int port = 0, CollectivesOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(machine);
        ArgumentNullException.ThrowIfNull(address);
        options ??= new CollectivesOptions();
        options.Validate();
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(address, port));
            listener.Listen();
            return new Endpoint(machine, listener, options);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Creates all groups of a brand-new topology on this machine: bootstraps with all machines and opens all data connections. Every machine calls it; who comes first waits.
    /// </summary>
    /// <param name="topology">All members.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="ArgumentException">The topology does not have this machine.</exception>
    /// <exception cref="GroupSetupException">A machine was not reached within <see cref="CollectivesOptions.SetupDeadline"/>.</exception>
    public async Task<MachineGroups> CreateGroupsAsync(Topology topology, CancellationToken ct)
    {
        CheckPlace(topology);
        var membership = new Membership(null, topology, Machine);
        using var connecting = new Connecting(this, membership);
        await SetUpAsync(membership, keepExpecting: false, Options.SetupDeadline, token => ConnectAsync(connecting, membership, token), ct).ConfigureAwait(false);
        var (links, edges) = connecting.HandOver();
        var groups = new MachineGroups(this, membership, links, edges);
        groups.Attach();
        return groups;
    }

    /// <summary>
    /// Phase 1 of a joiner: takes the bootstrap connections of all machines that hold state, connects with the other joiners, and opens its data connections with stayers and joiners. A leaver
    /// that is alive connects too, and is not waited for.
    /// </summary>
    /// <param name="from">The running generation.</param>
    /// <param name="to">The next one.</param>
    /// <param name="ct">Gives up.</param>
    /// <param name="reuse">False where the plan makes every connection anew: the same for all participants.</param>
    /// <param name="armed">Connections that are there already, from <see cref="ArmAsync(Topology, Topology, IReadOnlyList{Topology}, string?, int, CancellationToken)"/>; null waits for all.</param>
    /// <exception cref="ArgumentException">The new topology does not have this machine, or the old one has it too.</exception>
    /// <exception cref="GroupSetupException">A machine did not connect within <see cref="CollectivesOptions.SetupDeadline"/>.</exception>
    public async Task<PreparedGroups> PrepareJoinerAsync(Topology from, Topology to, CancellationToken ct, bool reuse = true, ArmedLinks? armed = null)
    {
        ArgumentNullException.ThrowIfNull(from);
        CheckPlace(to);
        using var standing = armed?.Take(to);
        var membership = standing?.CarriedOut ?? new Membership(from, to, Machine, reuse);
        if (!membership.IsJoiner)
            throw new ArgumentException($"{Machine} is in generation {from.Generation} already: it stays, it does not join.", nameof(from));

        using var connecting = new Connecting(this, membership);
        if (standing is null)
            await SetUpAsync(membership, keepExpecting: true, Options.SetupDeadline, token => ConnectAsync(connecting, membership, token, armed), ct).ConfigureAwait(false);
        else
            _reception.Expect(membership);
        var (links, edges) = connecting.HandOver();
        standing?.Edges.MoveTo(edges);
        armed?.LendTo(links, to);
        var prepared = new PreparedGroups(this, membership, null, links, edges);
        prepared.Attach(links.Values);
        foreach (var leaver in membership.Leavers)
            _ = prepared.WelcomeLeaverAsync(leaver);
        return prepared;
    }

    /// <summary>A standby's part of <see cref="MachineGroups.ArmAsync"/>: takes the bootstrap connections of all members, and opens its data connections of all plans.</summary>
    /// <param name="from">The running generation.</param>
    /// <param name="arming">A topology of a generation of its own, in which this machine has the place of whichever member.</param>
    /// <param name="plans">Generations that may follow, each with this machine in the place of another member. The same for all.</param>
    /// <param name="followed">The member whose state this machine follows; null for none. The same for all.</param>
    /// <param name="streams">Connections for the state of that member.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="ArgumentException">This machine is in the running generation, or not in the other one.</exception>
    /// <exception cref="GroupSetupException">A member did not connect within <see cref="CollectivesOptions.SetupDeadline"/>.</exception>
    public Task<ArmedLinks> ArmAsync(Topology from, Topology arming, IReadOnlyList<Topology> plans, string? followed, int streams, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(from);
        CheckPlace(arming);
        var membership = new Membership(from, arming, Machine);
        if (!membership.IsJoiner)
            throw new ArgumentException($"{Machine} is in generation {from.Generation} already: it cannot stand by.", nameof(from));
        return ArmAsync(
            membership,
            plans,
            Options.SetupDeadline,
            (connecting, token) => Task.WhenAll(membership.Stayers.Concat(membership.Leavers).Select(member => connecting.AcceptLinkAsync(member, token))
                .Append(followed is null ? Task.CompletedTask : connecting.AcceptStreamsAsync(followed, streams, token))),
            ct);
    }

    /// <summary>
    /// Resets every connection at once, without a word to anybody, as the death of the process would. For a worker that has to be sure that it takes no part any more.
    /// </summary>
    public void Sever()
    {
        _loop.Sever();
        _handshakes.Stop();
        _reception.Dispose();
        foreach (var open in _open.Keys.ToList())
        {
            (open as PreparedGroups)?.Sever();
            (open as MachineGroups)?.Sever();
        }
    }

    /// <summary>Closes all groups in order, with a goodbye to their machines, and the listener.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _reception.Dispose();
        await _handshakes.DisposeAsync().ConfigureAwait(false);
        foreach (var open in _open.Keys.ToList())
            await open.DisposeAsync().ConfigureAwait(false);
        await _loop.DisposeAsync().ConfigureAwait(false);
    }

    internal void CountDataConnection() => Interlocked.Increment(ref _dataConnectionsOpened);

    internal void Track(IAsyncDisposable open) => _open[open] = true;

    internal void Untrack(IAsyncDisposable closed) => _open.TryRemove(closed, out _);

    internal void Expect(Membership membership) => _reception.Expect(membership);

    internal void Forget(Membership membership, bool made) => _reception.Forget(membership, made);

    internal BootstrapLink Watch(Socket socket, Member peer)
    {
        var link = new BootstrapLink(socket, peer, _loop);
        _loop.Add(link);
        return link;
    }

    /// <summary>Runs the set-up of a generation within its deadline, and forgets the generation when it fails.</summary>
    internal async Task SetUpAsync(Membership membership, bool keepExpecting, TimeSpan patience, Func<CancellationToken, Task> connect, CancellationToken ct)
    {
        _reception.Expect(membership);
        var made = false;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(patience);
        try
        {
            await connect(deadline.Token).ConfigureAwait(false);
            made = true;
        }
        catch (OperationCanceledException late) when (!ct.IsCancellationRequested)
        {
            throw new GroupSetupException(
                $"Generation {membership.To.Generation} of {membership.To.Job} was not set up within {patience.TotalSeconds:0.###} s. {late.Message}",
                null,
                late.InnerException);
        }
        catch (System.Threading.Channels.ChannelClosedException closed)
        {
            throw new GroupSetupException($"The endpoint of {Machine} was closed.", Machine, closed);
        }
        finally
        {
            if (!made || !keepExpecting)
                _reception.Forget(membership, made);
        }
    }

    internal async Task<ArmedLinks> ArmAsync(
        Membership membership, IReadOnlyList<Topology> plans, TimeSpan patience, Func<Connecting, CancellationToken, Task> connect, CancellationToken ct)
    {
        using var connecting = new Connecting(this, membership);
        await SetUpAsync(membership, keepExpecting: false, patience, token => connect(connecting, token), ct).ConfigureAwait(false);
        var standing = await OpenStandingAsync(membership.From!, plans, patience, ct).ConfigureAwait(false);
        var armed = new ArmedLinks(this, membership, connecting.HandOver().Links, connecting.Streams, standing);
        armed.Attach();
        try
        {
            await armed.ConfirmAsync(membership.IsJoiner).WaitAsync(patience, ct).ConfigureAwait(false);
            return armed;
        }
        catch (Exception failure)
        {
            await armed.DisposeAsync().ConfigureAwait(false);
            if (failure is TimeoutException)
                throw new GroupSetupException($"{membership.Joiners[0].Machine} was not armed within {patience.TotalSeconds:0.###} s.", membership.Joiners[0].Machine, failure);
            throw;
        }
    }

    // All of them, or none.
    private async Task<IReadOnlyList<StandingGeneration>> OpenStandingAsync(Topology from, IReadOnlyList<Topology> plans, TimeSpan patience, CancellationToken ct)
    {
        List<Task<StandingGeneration>> opening =
            [.. plans.Where(plan => plan.On(Machine) is not null).Select(plan => StandingGeneration.OpenAsync(this, from, plan, patience, ct))];
        try
        {
            return await Task.WhenAll(opening).ConfigureAwait(false);
        }
        catch
        {
            foreach (var opened in opening.Where(one => one.IsCompletedSuccessfully))
                opened.Result.Dispose();
            throw;
        }
    }

    private void CheckPlace(Topology topology)
    {
        ArgumentNullException.ThrowIfNull(topology);
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (topology.On(Machine) is null)
            throw new ArgumentException($"{topology} does not have {Machine}.", nameof(topology));
    }

    private static Task ConnectAsync(Connecting connecting, Membership membership, CancellationToken ct, ArmedLinks? armed = null)
    {
        var rank = membership.Rank!.Value;
        var links = membership.Joiners.Where(peer => peer.Machine != membership.Machine)
            .Select(peer => rank < peer.Rank ? connecting.DialLinkAsync(peer, ct) : connecting.AcceptLinkAsync(peer, ct))
            .Concat(membership.Stayers.Where(peer => armed?.Has(peer.Machine) != true).Select(peer => connecting.AcceptLinkAsync(peer, ct)));
        return connecting.ConnectAsync(links, ct);
    }
}
