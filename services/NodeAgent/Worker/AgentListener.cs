using System.Net.Sockets;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.Worker;

/// <summary>Accepts agents on the worker's socket; agents come and go, the worker stays.</summary>
internal sealed class AgentListener : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly string _path;
    private readonly IWorker _worker;
    private readonly ReportOutbox _outbox;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    /// <summary>Listens before it returns: whoever waits for the socket file finds an open door.</summary>
    public AgentListener(string path, IWorker worker, ReportOutbox outbox)
    {
        _path = path;
        _worker = worker;
        _outbox = outbox;
        _socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        File.Delete(path);
        _socket.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _socket.Listen(4);
        _accepting = Task.Run(AcceptAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _socket.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        File.Delete(_path);
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var accepted = await _socket.AcceptAsync(_stopping.Token);
            var (rpc, observer) = WorkerConnection.Serve(accepted, _worker);
            _outbox.Connect(observer);
            _ = rpc.Completion.ContinueWith(_ => _outbox.Disconnect(observer), TaskScheduler.Default);
        }
    }
}
