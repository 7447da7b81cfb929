using System.Net;
using System.Net.Sockets;
using TrainMover.Collectives;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>
/// Lies between the machines of a cluster: a proxy before each, which knows from the first bytes of a connection who dialed. A machine that is cut off sends and hears nothing more, and all of
/// its connections stay open: bytes are swallowed where it is cut off, and wait in the sockets where it is stopped.
/// </summary>
internal sealed class Network : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TcpListener> _listeners = new(StringComparer.Ordinal);
    private readonly HashSet<string> _cutOff = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TaskCompletionSource> _stopped = new(StringComparer.Ordinal);
    private readonly List<TcpClient> _clients = [];
    private readonly List<(TcpClient Client, string One, string Other)> _between = [];

    public Network(Cluster cluster)
    {
        foreach (var node in cluster.Nodes)
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            _listeners.Add(node.Machine, listener);
            _ = AcceptAsync(listener, node.Machine, node.Endpoint.Port);
        }

        cluster.Route = PortOf;
    }

    public int PortOf(string machine) => ((IPEndPoint)_listeners[machine].LocalEndpoint).Port;

    public void CutOff(string machine)
    {
        lock (_gate)
            _cutOff.Add(machine);
    }

    public void Stop(string machine)
    {
        lock (_gate)
            _stopped.Add(machine, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    /// <summary>Resets what is open between two machines, and nothing else.</summary>
    public void Break(string one, string other)
    {
        lock (_gate)
        {
            foreach (var (client, from, to) in _between.Where(open => (open.One, open.Other) == (one, other) || (open.One, open.Other) == (other, one)))
            {
                client.LingerState = new LingerOption(true, 0);
                client.Close();
            }
        }
    }

    /// <summary>What had been on its way to and from a stopped machine arrives late.</summary>
    public void Continue(string machine)
    {
        lock (_gate)
        {
            if (_stopped.Remove(machine, out var stopped))
                stopped.SetResult();
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var listener in _listeners.Values)
            listener.Dispose();
        foreach (var machine in _listeners.Keys)
            Continue(machine);
        lock (_gate)
            _clients.ForEach(client => client.Dispose());
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync(TcpListener listener, string machine, int port)
    {
        try
        {
            while (true)
            {
                var outer = await listener.AcceptTcpClientAsync();
                _ = ConnectAsync(outer, machine, port);
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private async Task ConnectAsync(TcpClient outer, string machine, int port)
    {
        var inner = new TcpClient();
        lock (_gate)
            _clients.AddRange([outer, inner]);
        try
        {
            (outer.NoDelay, inner.NoDelay) = (true, true);
            var start = new byte[6];
            await outer.GetStream().ReadExactlyAsync(start);
            var payload = new byte[BitConverter.ToUInt16(start, 4)];
            await outer.GetStream().ReadExactlyAsync(payload);
            var dialer = DialerOf(payload);
            lock (_gate)
                _between.AddRange([(outer, dialer, machine), (inner, dialer, machine)]);
            await WhileStoppedAsync(dialer, machine);
            await inner.ConnectAsync(IPAddress.Loopback, port);
            if (!IsCutOff(dialer, machine))
                await inner.GetStream().WriteAsync((byte[])[.. start, .. payload]);
            await Task.WhenAll(PumpAsync(outer, inner, dialer, machine), PumpAsync(inner, outer, dialer, machine));
        }
        catch (Exception closed) when (closed is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            outer.Dispose();
            inner.Dispose();
        }
    }

    private async Task PumpAsync(TcpClient from, TcpClient to, string one, string other)
    {
        var buffer = new byte[65536];
        try
        {
            int read;
            while ((read = await from.GetStream().ReadAsync(buffer)) > 0)
            {
                await WhileStoppedAsync(one, other);
                if (!IsCutOff(one, other))
                    await to.GetStream().WriteAsync(buffer.AsMemory(0, read));
            }

            await WhileStoppedAsync(one, other);
            if (!IsCutOff(one, other))
                to.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception closed) when (closed is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            await WhileStoppedAsync(one, other);
            if (!IsCutOff(one, other))
            {
                to.LingerState = new LingerOption(true, 0);
                to.Close();
            }
        }
    }

    private async Task WhileStoppedAsync(params string[] machines)
    {
        foreach (var machine in machines)
        {
            Task? stopped;
            lock (_gate)
                stopped = _stopped.GetValueOrDefault(machine)?.Task;
            if (stopped is not null)
                await stopped;
        }
    }

    private bool IsCutOff(string one, string other)
    {
        lock (_gate)
            return _cutOff.Contains(one) || _cutOff.Contains(other);
    }

    // Job, generation, digest of the plan, dialer: the order of a hello.
    private static string DialerOf(byte[] payload)
    {
        using var reader = new BinaryReader(new MemoryStream(payload));
        _ = reader.ReadString();
        _ = reader.ReadInt32();
        _ = reader.ReadString();
        return reader.ReadString();
    }
}
