using System.Diagnostics;
using System.Net.Sockets;
using StreamJsonRpc;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.Agent;

/// <summary>Keeps one worker running: adopts the one that runs, notices its death at once, and starts a fresh one.</summary>
internal sealed class WorkerSupervisor(AgentOptions options, WorkerView view, Outgoing outgoing, IWorkerObserver observer, Announcer announcer, ILogger<WorkerSupervisor> log)
    : BackgroundService
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RehearsalPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(3);

    // Training stands still because a worker ended: the next one, which starts for seconds, does not take cores from those that mend it.
    private static readonly TimeSpan RestartDelay = TimeSpan.FromSeconds(1);

    private WorkerProcess? _process;
    private Farewell? _lingering;
    private bool _restarts;
    private int? _told;

    /// <summary>A worker whose socket closed: what its exit will be reported as.</summary>
    private sealed record Farewell(int Pid, int Port, bool Ordered, string? Job, int Generation, long At);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (options.OwnsWorker && _process is { } owned)
            await owned.StopAsync(StopPatience);
        _process?.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAfterOneAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (TimeoutException) when (_lingering is { } last)
            {
                log.LogWarning("Worker {Pid} takes no connection and lives; trying again.", last.Pid);
            }
            catch (Exception failure)
            {
                log.LogError(failure, "No worker could be started or reached; trying again.");
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken);
            }
        }
    }

    private async Task LookAfterOneAsync(CancellationToken ct)
    {
        if (await TryConnectAsync(ct) is not { } connected)
        {
            if (_lingering is { } last && _process is { } process)
            {
                await process.WaitForExitAsync(ct).WaitAsync(ExitPatience, ct);
                await ReportExitAsync(last, ct);
            }

            connected = await StartFreshAsync(ct);
        }

        var (rpc, worker) = connected;
        using (rpc)
        {
            var status = await worker.GetStatusAsync(ct);
            if (_process?.Pid != status.Pid)
            {
                _process?.Dispose();
                _process = WorkerProcess.Adopt(status.Pid);
            }

            (_lingering, _told) = (null, null);
            view.Connected(worker, status);
            await announcer.AnnounceAsync(ct);
            await RehearseAsync(worker, ct);
            log.LogInformation("Worker {Pid} listens on {Host}:{Port}.", status.Pid, status.Host, status.Port);
            var ending = view.Ending;
            await Task.WhenAny(rpc.Completion, ending).WaitAsync(ct);
            ct.ThrowIfCancellationRequested();
            // Peers wait: what is being torn down is reported before it is gone.
            if (ending.IsCompleted)
                await ReportEndingAsync(await ending, ct);
            // What it still said is in the socket.
            await rpc.Completion.WaitAsync(ct).ContinueWith(static _ => { }, ct, TaskContinuationOptions.None, TaskScheduler.Default);
            ct.ThrowIfCancellationRequested();
        }

        await SeeOffAsync(Stopwatch.GetTimestamp(), ct);
    }

    // A rehearsal that fails costs time in a later pause, or the worker is gone, which is found out next.
    private async Task RehearseAsync(IWorker worker, CancellationToken ct)
    {
        try
        {
            await worker.RehearseAsync(Rehearsed.All, ct).WaitAsync(RehearsalPatience, ct);
        }
        catch (Exception failure) when (failure is RemoteRpcException or ConnectionLostException or TimeoutException)
        {
            log.LogDebug(failure, "The messages of the worker's connection were not rehearsed.");
        }
    }

    /// <summary>The socket has closed. Reports the worker's exit when its process is gone too; a live one is connected to again.</summary>
    private async Task SeeOffAsync(long at, CancellationToken ct)
    {
        var farewell = FarewellAt(at);
        view.Lost();
        if (_process is { } process)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
            patience.CancelAfter(ExitPatience);
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                log.LogWarning("Worker {Pid} closed its socket and lives; connecting again.", process.Pid);
                _lingering = farewell;
                return;
            }
        }

        await ReportExitAsync(farewell, ct);
    }

    private Farewell FarewellAt(long at)
    {
        var last = view.Status;
        return new Farewell(last?.Pid ?? 0, last?.Port ?? 0, view.IsReleased, last?.JobId, last?.Generation ?? 0, at);
    }

    private async Task ReportEndingAsync(string detail, CancellationToken ct)
    {
        if (view.Status is not { } last)
            return;
        _told = last.Pid;
        await ReportLossAsync(FarewellAt(Stopwatch.GetTimestamp()), detail, ct);
    }

    // As a fault for the Detector, which weighs it, and as a report in the order of all others for those who planned with it.
    private async Task ReportLossAsync(Farewell last, string detail, CancellationToken ct)
    {
        outgoing.Tell(new WorkerExited(options.Machine, last.Pid, last.Ordered, last.Job, last.Generation, detail, last.At));
        await outgoing.ReportAsync(
            new AgentReport(new WorkerLost(last.Pid, last.Port, detail) { MachineId = options.Machine, JobId = last.Job, Generation = last.Generation }), null, ct);
    }

    private async Task ReportExitAsync(Farewell last, CancellationToken ct)
    {
        var detail = _process?.DescribeExit() ?? "The worker's process is gone.";
        log.LogInformation("Worker {Pid} exited: {Detail}", last.Pid, detail);
        if (_told != last.Pid)
            await ReportLossAsync(last, detail, ct);
        _process?.Dispose();
        _process = null;
        _lingering = null;
        _restarts = true;
    }

    private async Task<(JsonRpc Rpc, IWorker Worker)?> TryConnectAsync(CancellationToken ct)
    {
        try
        {
            return await WorkerConnection.ConnectAsync(options.SocketPath, observer, ct);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private async Task<(JsonRpc Rpc, IWorker Worker)> StartFreshAsync(CancellationToken ct)
    {
        if (_process is null)
        {
            if (_restarts) await Task.Delay(RestartDelay, ct);
            File.Delete(options.SocketPath);
            _process = WorkerProcess.Start(options);
        }

        // A connection attempt is the only sign that the socket is listened on; the file appears a moment before.
        var waited = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(RetryInterval);
        var exited = _process.WaitForExitAsync(ct);
        while (waited.Elapsed < AgentOptions.WorkerStartDeadline)
        {
            if (await TryConnectAsync(ct) is { } connected)
                return connected;
            if (exited.IsCompleted)
                break;
            await timer.WaitForNextTickAsync(ct);
        }

        var reason = exited.IsCompleted ? _process.DescribeExit() : $"It did not listen within {AgentOptions.WorkerStartDeadline}.";
        await _process.StopAsync(StopPatience);
        _process.Dispose();
        _process = null;
        throw new InvalidOperationException($"The worker did not start. {reason} Its log: {options.WorkerLog}");
    }
}
