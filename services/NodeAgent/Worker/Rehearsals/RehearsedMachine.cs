using System.Net;
using System.Threading.Channels;
using StreamJsonRpc;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.Worker.Rehearsals;

/// <summary>A worker inside this process, and the end of its agent.</summary>
internal sealed class RehearsedMachine : IWorkerObserver, IAsyncDisposable
{
    private readonly Channel<MachineReport> _reports = Channel.CreateUnbounded<MachineReport>();
    private readonly ReportOutbox _outbox = new();
    private readonly WorkerTarget _target;
    private readonly AgentListener _listener;
    private JsonRpc? _rpc;
    private IWorker? _worker;

    private RehearsedMachine(string id, string socket)
    {
        Id = id;
        _target = new WorkerTarget(new WorkerOptions(id, socket, "127.0.0.1", IPAddress.Loopback), _outbox);
        _listener = new AgentListener(socket, _target, _outbox);
    }

    public string Id { get; }

    public int Port { get; private set; }

    public static async Task<RehearsedMachine> StartAsync(string id, string folder, CancellationToken ct)
    {
        var socket = Path.Combine(folder, $"{id}.socket");
        var machine = new RehearsedMachine(id, socket);
        try
        {
            (machine._rpc, machine._worker) = await WorkerConnection.ConnectAsync(socket, machine, ct);
            machine.Port = (await machine._worker.GetStatusAsync(ct)).Port;
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    public Task ExecuteAsync(Func<string, AgentOrder> order, CancellationToken ct) => _worker!.ExecuteAsync(new AgentCommand(order(Id)), ct);

    /// <summary>Waits for a report of this type and generation; those before it are of no interest.</summary>
    public async Task SeesAsync<T>(int generation, CancellationToken ct)
        where T : MachineReport
    {
        while (true)
        {
            var report = await _reports.Reader.ReadAsync(ct);
            if (report is T && report.Generation == generation) return;
            if (report is Refused or PreparationFailed) throw new InvalidOperationException($"{Id}: {report}");
        }
    }

    /// <summary>Returns when the machine holds the plans for the loss of each member.</summary>
    public Task ArmedAsync(CancellationToken ct) => _target.Armed.WaitAsync(ct);

    /// <summary>Resets all its connections, as the end of its process would.</summary>
    public void Sever() => _target.Sever();

    public Task OnReportAsync(AgentReport report, CancellationToken ct)
    {
        _reports.Writer.TryWrite(report.Report);
        return Task.CompletedTask;
    }

    public Task OnStepCompletedAsync(StepCompleted step, CancellationToken ct) => Task.CompletedTask;

    public Task OnPeerUnreachableAsync(PeerUnreachable peer, CancellationToken ct) => Task.CompletedTask;

    public Task OnRankWaitingAsync(RankWaiting rank, CancellationToken ct) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _rpc?.Dispose();
        await _listener.DisposeAsync();
        await _target.DisposeAsync();
        await _outbox.DisposeAsync();
    }
}
