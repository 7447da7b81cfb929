using System.Net;
using System.Net.Sockets;

namespace TrainMover.Embedded;

/// <summary>The port that clients of an embedded broker connect to. Each connection has a thread of its own, which sleeps in it.</summary>
internal sealed class BrokerDoor : IDisposable
{
    private const int Backlog = 128;
    private const int StackBytes = 256 * 1024;
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(20);

    private readonly Lock _gate = new();
    private readonly Socket _listener;
    private readonly int _clusterPort;
    private readonly FetchPurgatory _purgatory = new();
    private readonly HashSet<BrokerConnection> _connections = [];
    private readonly ManualResetEventSlim _closed = new();

    /// <param name="listener">Where clients connect; taken over.</param>
    /// <param name="clusterPort">Port of the mock cluster on 127.0.0.1.</param>
    public BrokerDoor(Socket listener, int clusterPort)
    {
        (_listener, _clusterPort) = (listener, clusterPort);
        Start("broker door", Accept);
    }

    /// <summary>A listener on 127.0.0.1.</summary>
    /// <param name="port">Port, or 0 for a free one.</param>
    /// <exception cref="SocketException">The port is taken.</exception>
    public static Socket Listen(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Resets every connection and refuses new ones.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed.Set();
            _listener.Dispose();
            foreach (var connection in _connections)
                connection.Reset();
            _connections.Clear();
        }

        _purgatory.WakeAll();
    }

    private void Accept()
    {
        while (!_closed.IsSet)
        {
            try
            {
                if (Admit(_listener.Accept()) is { } connection)
                    Start("broker connection", () => Serve(connection));
            }
            catch (Exception refused) when (refused is SocketException or ObjectDisposedException)
            {
                // Closed; or out of descriptors, of which others may give some back.
                _closed.Wait(Breath);
            }
        }
    }

    private BrokerConnection? Admit(Socket client)
    {
        var connection = new BrokerConnection(client, _purgatory);
        lock (_gate)
        {
            if (!_closed.IsSet)
            {
                _connections.Add(connection);
                return connection;
            }
        }

        connection.Reset();
        return null;
    }

    private void Serve(BrokerConnection connection)
    {
        using (connection)
            connection.Serve(_clusterPort);
        lock (_gate)
            _connections.Remove(connection);
    }

    private static void Start(string name, Action run) => new Thread(() => run(), StackBytes) { IsBackground = true, Name = name }.Start();
}
