using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace TrainMover.NodeAgent.Tests.Support;

/// <summary>Stands at the address of a machine, counts who comes and what is sent, and never answers.</summary>
internal sealed class CountingListener : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Task> _counting = [];
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;
    private long _connections;
    private long _bytes;

    public CountingListener()
    {
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>A report for every read that brought bytes.</summary>
    public Sightings Arrivals { get; } = new();

    public (long Connections, long Bytes) Count => (Interlocked.Read(ref _connections), Interlocked.Read(ref _bytes));

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(_counting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var accepted = await _listener.AcceptSocketAsync(_end.Token);
            Interlocked.Increment(ref _connections);
            _counting.Add(CountAsync(accepted));
        }
    }

    private async Task CountAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, _end.Token) is > 0 and var bytes)
            {
                Interlocked.Add(ref _bytes, bytes);
                Arrivals.Add(bytes);
            }
        }
    }
}
