using System.Net.Sockets;
using StreamJsonRpc;
using TrainMover.Contracts;

namespace TrainMover.NodeAgent.Rpc;

/// <summary>JSON-RPC over the worker's Unix domain socket, with the JSON of the message catalogue.</summary>
public static class WorkerConnection
{
    /// <summary>The worker's end of an accepted connection.</summary>
    public static (JsonRpc Rpc, IWorkerObserver Observer) Serve(Socket accepted, IWorker worker)
    {
        var rpc = Create(accepted);
        rpc.AddLocalRpcTarget<IWorker>(worker, null);
        var observer = rpc.Attach<IWorkerObserver>();
        rpc.StartListening();
        return (rpc, observer);
    }

    /// <summary>The agent's end. Throws <see cref="SocketException"/> when no worker listens there.</summary>
    public static async Task<(JsonRpc Rpc, IWorker Worker)> ConnectAsync(string socketPath, IWorkerObserver observer, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), ct);
            var rpc = Create(socket);
            rpc.AddLocalRpcTarget<IWorkerObserver>(observer, null);
            var worker = rpc.Attach<IWorker>();
            rpc.StartListening();
            return (rpc, worker);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static JsonRpc Create(Socket socket)
    {
        var formatter = new SystemTextJsonFormatter { JsonSerializerOptions = new(Catalog.Json) };
        var stream = new NetworkStream(socket, ownsSocket: true);
        return new JsonRpc(new HeaderDelimitedMessageHandler(stream, stream, formatter)) { CancelLocallyInvokedMethodsWhenConnectionIsClosed = true };
    }
}
