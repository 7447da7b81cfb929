using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace TrainMover.Embedded;

/// <summary>
/// A listener on a port that stays the same while what stands behind it may go, come back or be another one. Bytes pass unchanged.
/// </summary>
internal sealed class TcpFront : IDisposable
{
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private readonly Lock _gate = new();
    private Socket? _listener;
    private int _target;

    public TcpFront(int port)
    {
        _listener = Listen(port);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
    }

    public int Port { get; }

    /// <summary>Begins to accept, and passes new connections to this port of 127.0.0.1.</summary>
    public void Open(int target)
    {
        lock (_gate)
        {
            _target = target;
            _listener ??= Listen(Port);
            _ = AcceptAsync(_listener);
        }
    }

    /// <summary>Refuses new connections and resets those that are open.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _listener?.Dispose();
            _listener = null;
        }
        foreach (var socket in _open.Keys)
            Reset(socket);
    }

    public void Dispose() => Close();

    private static Socket Listen(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(backlog: 128);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptAsync();
                _ = PassAsync(listener, client);
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // Close() ends the loop.
        }
    }

    private async Task PassAsync(Socket listener, Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _open[client] = 0;
        _open[server] = 0;
        try
        {
            client.NoDelay = server.NoDelay = true;
            await server.ConnectAsync(IPAddress.Loopback, _target);
            lock (_gate)
            {
                // Accepted just before Close(): it must not survive it.
                if (_listener != listener)
                    return;
            }
            await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // One side went away; both are closed below.
        }
        finally
        {
            Reset(client);
            Reset(server);
        }
    }

    private static async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer)) > 0)
            {
                var sent = 0;
                while (sent < read)
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The end of one direction ends both.
        }
    }

    private void Reset(Socket socket)
    {
        _open.TryRemove(socket, out _);
        socket.Dispose();
    }
}
