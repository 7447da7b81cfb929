using System.Net.Sockets;
using StreamJsonRpc;
using TrainMover.Contracts;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Progress;
using TrainMover.Messaging;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.Agent;

/// <summary>Handles every message of an agent once before the first real one comes, and loses a worker that there never was (ADR 4).</summary>
internal sealed class Rehearsal(IWorkerObserver observer, ILogger<Rehearsal> log) : BackgroundService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Run(() => MessageRehearsal.Run(Topics.Commands, Topics.Progress, Topics.Telemetry), stoppingToken);
        try
        {
            await LoseWorkerAsync(stoppingToken).WaitAsync(Patience, stoppingToken);
        }
        catch (Exception failure) when (failure is SocketException or IOException or RemoteRpcException or ConnectionLostException or TimeoutException)
        {
            log.LogWarning(failure, "The loss of a worker could not be rehearsed; the first real one takes a little longer to be told.");
        }
    }

    private async Task LoseWorkerAsync(CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("trainmover-agent-");
        try
        {
            var path = Path.Combine(folder.FullName, "socket");
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(1);
            var (rpc, worker) = await WorkerConnection.ConnectAsync(path, observer, ct);
            using (rpc)
            {
                var (served, _) = WorkerConnection.Serve(await listener.AcceptAsync(ct), new Echo());
                await worker.RehearseAsync(Rehearsed.All, ct);
                served.Dispose();
                await rpc.Completion.WaitAsync(ct).ContinueWith(static _ => { }, ct, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private sealed class Echo : IWorker
    {
        public Task<Rehearsed> RehearseAsync(Rehearsed messages, CancellationToken ct) => Task.FromResult(messages);

        public Task<WorkerStatus> GetStatusAsync(CancellationToken ct) => Task.FromResult(new WorkerStatus(WorkerPhase.Idle, 0, "127.0.0.1", 0));

        public Task ExecuteAsync(AgentCommand command, CancellationToken ct) => Task.CompletedTask;
    }
}
