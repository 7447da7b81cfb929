using TrainMover.Contracts.Progress;

namespace TrainMover.Agent;

/// <summary>Announces the machine and its worker, so that the control plane can issue again what is open for it.</summary>
internal sealed class Announcer(AgentOptions options, WorkerView view, Outgoing outgoing, ILogger<Announcer> log) : BackgroundService
{
    private int _waiting;
    private volatile bool _open;

    /// <summary>Orders are being read from now on: an announcement before that would call for orders that nobody hears.</summary>
    public void Open() => _open = true;

    /// <summary>Asks the worker how it is and reports it; at most one announcement waits for the broker.</summary>
    public async Task AnnounceAsync(CancellationToken ct)
    {
        if (!_open || view.Worker is not { } worker || Interlocked.Exchange(ref _waiting, 1) == 1)
            return;
        try
        {
            var status = await worker.GetStatusAsync(ct);
            view.Seen(status);
            var announced = new Announced(options.Role, status, options.Behind) { MachineId = options.Machine, JobId = status.JobId, Generation = status.Generation };
            await outgoing.ReportAsync(new AgentReport(announced), () => Interlocked.Exchange(ref _waiting, 0), ct);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            Interlocked.Exchange(ref _waiting, 0);
            log.LogWarning("The worker did not say how it is: {Reason}", failure.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(AgentOptions.AnnounceInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            await AnnounceAsync(stoppingToken);
    }
}
