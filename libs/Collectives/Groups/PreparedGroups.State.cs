using System.Net.Sockets;

namespace TrainMover.Collectives;

public sealed partial class PreparedGroups
{
    private readonly Dictionary<(string Machine, int Stream), Socket> _stateConnections = [];

    /// <summary>Opens the connection of a later <see cref="SendStateAsync"/> beforehand, so that the pause does not wait for it. For leavers: a stayer opens none in phase 1.</summary>
    /// <param name="toMachine">Receiver.</param>
    /// <param name="stream">Number of the transfer, as in <see cref="SendStateAsync"/>.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="ArgumentException">The machine is not in the new topology.</exception>
    /// <exception cref="GroupSetupException">The receiver did not take the connection in time, or what was prepared was dropped.</exception>
    public async Task OpenStateAsync(string toMachine, int stream, CancellationToken ct)
    {
        var socket = await DialStateAsync(toMachine, stream, ct).ConfigureAwait(false);
        lock (_gate)
        {
            if (_phase == Phase.Prepared && _stateConnections.TryAdd((toMachine, stream), socket))
                return;
        }

        socket.Dispose();
        throw Ended();
    }

    /// <summary>Sends native memory to a member of the new topology, over a connection made for it to that member's listener.</summary>
    /// <param name="toMachine">Receiver; it calls <see cref="ReceiveStateAsync"/> with regions of the same lengths.</param>
    /// <param name="stream">Number of the transfer, from 0 to 255, when there are several between the two machines at once; the receiver names the same.</param>
    /// <param name="regions">What to send, in order.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>Bytes of state moved, all of them held by the receiver.</returns>
    /// <exception cref="ArgumentException">The machine is not in the new topology.</exception>
    /// <exception cref="GroupSetupException">The connection broke, nothing moved for <see cref="CollectivesOptions.CallDeadline"/>, or the lengths differ.</exception>
    public async Task<long> SendStateAsync(string toMachine, int stream, IReadOnlyList<MemoryRegion> regions, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(regions);
        Interlocked.Add(ref _stateBytesSent, regions.Sum(region => region.Length));
        Socket? socket;
        lock (_gate)
            _stateConnections.Remove((toMachine, stream), out socket);
        socket ??= await DialStateAsync(toMachine, stream, ct).ConfigureAwait(false);
        return await MoveAsync(socket, toMachine, () => StateTransfer.Send(socket, regions, _endpoint.Options.CallDeadline), ct).ConfigureAwait(false);
    }

    /// <summary>Receives native memory from a member of either topology; waits until the sender connects.</summary>
    /// <param name="fromMachine">Sender.</param>
    /// <param name="stream">Number of the transfer; the sender names the same.</param>
    /// <param name="regions">Where the bytes go, in order. After an error part of them is overwritten.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>Bytes of state moved.</returns>
    /// <exception cref="GroupSetupException">The connection broke, nothing moved for <see cref="CollectivesOptions.CallDeadline"/>, the lengths differ, or what was prepared was dropped.</exception>
    public async Task<long> ReceiveStateAsync(string fromMachine, int stream, IReadOnlyList<MemoryRegion> regions, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(regions);
        var socket = await AwaitStateAsync(fromMachine, stream, ct).ConfigureAwait(false);
        return await MoveAsync(socket, fromMachine, () => StateTransfer.Receive(socket, regions, _endpoint.Options.CallDeadline), ct).ConfigureAwait(false);
    }

    /// <summary>Opens a connection to a member of the new topology for state that moves while training goes on; the other side calls <see cref="AcceptStateAsync"/>. The caller owns it.</summary>
    /// <param name="toMachine">The other side.</param>
    /// <param name="stream">Number of the stream, from 0 to 255, of its own; the other side names the same.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="ArgumentException">The machine is not in the new topology.</exception>
    /// <exception cref="GroupSetupException">The other side did not take the connection in time.</exception>
    public async Task<StateConnection> ConnectStateAsync(string toMachine, int stream, CancellationToken ct) =>
        new(await DialStateAsync(toMachine, stream, ct).ConfigureAwait(false), toMachine, _endpoint.Options.CallDeadline);

    /// <summary>Takes a connection of <see cref="ConnectStateAsync"/>; waits until the other side connects. The caller owns it.</summary>
    /// <param name="fromMachine">The other side, a member of either topology.</param>
    /// <param name="stream">Number of the stream; the other side names the same.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="GroupSetupException">What was prepared was dropped.</exception>
    public async Task<StateConnection> AcceptStateAsync(string fromMachine, int stream, CancellationToken ct) =>
        new(await AwaitStateAsync(fromMachine, stream, ct).ConfigureAwait(false), fromMachine, _endpoint.Options.CallDeadline);

    private async Task<Socket> AwaitStateAsync(string fromMachine, int stream, CancellationToken ct)
    {
        CheckStream(stream);
        try
        {
            return await _membership.AwaitAsync(fromMachine, _membership.Stream(fromMachine, _membership.Machine, stream), ct).ConfigureAwait(false);
        }
        catch (System.Threading.Channels.ChannelClosedException)
        {
            throw Ended();
        }
    }

    private async Task<Socket> DialStateAsync(string toMachine, int stream, CancellationToken ct)
    {
        CheckStream(stream);
        var peer = Topology.On(toMachine) ?? throw new ArgumentException($"{toMachine} is not in {Topology}.", nameof(toMachine));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(_endpoint.Options.SetupDeadline);
        try
        {
            return await _endpoint.Dialer.DialAsync(_membership, _membership.Stream(_membership.Machine, toMachine, stream), peer, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException late) when (!ct.IsCancellationRequested)
        {
            throw new GroupSetupException($"No state reached {toMachine}: {late.Message}", toMachine, late.InnerException);
        }
    }

    private static void CheckStream(int stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(stream);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(stream, Membership.MostStreams);
    }

    private void CloseStateConnections()
    {
        lock (_gate)
        {
            foreach (var socket in _stateConnections.Values)
                socket.Dispose();
            _stateConnections.Clear();
        }
    }

    private static async Task<long> MoveAsync(Socket socket, string peer, Func<long> move, CancellationToken ct)
    {
        try
        {
            using (ct.Register(() => Wire.Reset(socket)))
                return await Task.Factory.StartNew(move, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        }
        catch (Exception broken) when (broken is IOException or TimeoutException)
        {
            ct.ThrowIfCancellationRequested();
            throw new GroupSetupException($"The state transfer with {peer} broke: {broken.Message}.", peer, broken);
        }
        finally
        {
            socket.Dispose();
        }
    }
}
