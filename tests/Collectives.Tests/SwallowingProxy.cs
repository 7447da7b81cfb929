using System.Net;
using System.Net.Sockets;

namespace TrainMover.Collectives.Tests;

/// <summary>Passes TCP connections on until it is told to swallow: then every byte disappears and every connection stays open.</summary>
internal sealed class SwallowingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> _clients = [];
    private readonly List<long> _passed = [];
    private readonly Lock _gate = new();
    private volatile bool _swallows;
    private int _target;

    public SwallowingProxy()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
    }

    public int Port { get; }

    public void ForwardTo(int port)
    {
        _target = port;
        _ = AcceptAsync();
    }

    public void Swallow() => _swallows = true;

    /// <summary>Resets the connection that the most bytes went over.</summary>
    public void CutBusiest()
    {
        lock (_gate)
        {
            var busiest = _passed.IndexOf(_passed.Max());
            foreach (var client in _clients.Slice(busiest * 2, 2))
            {
                client.LingerState = new LingerOption(true, 0);
                client.Close();
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        lock (_gate)
            _clients.ForEach(client => client.Dispose());
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var outer = await _listener.AcceptTcpClientAsync();
                var inner = new TcpClient { NoDelay = true };
                outer.NoDelay = true;
                int index;
                lock (_gate)
                {
                    index = _passed.Count;
                    _passed.Add(0);
                    _clients.AddRange([outer, inner]);
                }

                await inner.ConnectAsync(IPAddress.Loopback, _target);
                _ = PumpAsync(outer.GetStream(), inner.GetStream(), index);
                _ = PumpAsync(inner.GetStream(), outer.GetStream(), index);
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, int connection)
    {
        var buffer = new byte[65536];
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer)) > 0)
            {
                lock (_gate)
                    _passed[connection] += read;
                if (!_swallows)
                    await to.WriteAsync(buffer.AsMemory(0, read));
            }
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException)
        {
            // One side is gone.
        }
    }
}
