using TrainMover.Collectives;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Progress;
using TrainMover.NodeAgent.Rpc;
using TrainMover.Training.Session;

namespace TrainMover.Worker;

/// <summary>Takes orders from the agent and gives the session's events to the outbox.</summary>
internal sealed class WorkerTarget : IWorker, IAsyncDisposable
{
    // Giving back a replica's memory takes a core for a while, and the others have only just gone on: nobody waits for this process.
    private static readonly TimeSpan ReleaseDelay = TimeSpan.FromSeconds(2);

    private readonly WorkerOptions _options;
    private readonly Endpoint _endpoint;
    private readonly ReportOutbox _outbox;
    private readonly TrainingSession _session;
    private readonly TaskCompletionSource _ranked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _armed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public WorkerTarget(WorkerOptions options, ReportOutbox outbox, InjectedFault? fault = null)
    {
        _options = options;
        _outbox = outbox;
        _endpoint = Endpoint.Listen(options.Machine, options.Address);
        _session = new TrainingSession(_endpoint, options.Machine, Tell, new SessionOptions { Slowness = fault is null ? null : fault.Share, AfterStep = fault is null ? null : fault.AfterStep });
    }

    /// <summary>Completes when an order gives the machine a rank, or when it is warm or prepared: from then on others wait for it, or it for them.</summary>
    public Task Ranked => _ranked.Task;

    /// <summary>Completes when the machine holds the plans for the loss of each member, for the first time.</summary>
    public Task Armed => _armed.Task;

    /// <summary>Completes when an order released the machine from its job.</summary>
    public Task Released => _released.Task;

    public Task<WorkerStatus> GetStatusAsync(CancellationToken ct) =>
        Task.FromResult(EventTranslation.ToStatus(_session.Status, _options.Host, _endpoint.Port));

    public Task<Rehearsed> RehearseAsync(Rehearsed messages, CancellationToken ct) => Task.FromResult(messages);

    public Task ExecuteAsync(AgentCommand command, CancellationToken ct)
    {
        if (command.Order is StartTraining or Switch or Prepare { Plan.Kind: InterruptionKind.Unexpected })
            _ranked.TrySetResult();
        if (command.Order is Release release)
            ObeyRelease(release);
        else if (OrderTranslation.ToRequest(command.Order) is { } request)
            _session.Submit(request);
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _session.DisposeAsync();
        await _endpoint.DisposeAsync();
    }

    /// <summary>Resets all connections, as the end of the process would: for rehearsals.</summary>
    public void Sever() => _endpoint.Sever();

    // The order may be old: a machine that joined again since then is a member, not a leaver.
    private void ObeyRelease(Release release)
    {
        var status = _session.Status;
        if (status.Job != release.JobId || status.Phase is SessionPhase.Idle or SessionPhase.Warm)
            return;
        if (IsMember(status, release))
        {
            _outbox.Add(new Refused(release.OrderId, $"This machine is {status.Phase} in generation {status.Generation}: it is not the leaver of generation {release.Generation}.")
            {
                MachineId = _options.Machine,
                JobId = release.JobId,
                Generation = release.Generation,
                MigrationId = release.MigrationId,
            });
            return;
        }

        _ = EndLaterAsync(release);
    }

    private async Task EndLaterAsync(Release release)
    {
        await Task.Delay(ReleaseDelay);
        if (!IsMember(_session.Status, release))
            _released.TrySetResult();
    }

    private static bool IsMember(SessionStatus status, Release release) => status.Phase is SessionPhase.Joining || status.Generation >= release.Generation;

    private void Tell(SessionEvent happened)
    {
        // A standby that is warm does nothing until training waits for it. A joiner that is prepared follows: while it does not get to it, the leaver keeps for it what training is about to overwrite.
        if (happened is WarmUpDone or PreparationDone)
            _ranked.TrySetResult();
        if (happened is StandbyArmed)
            _armed.TrySetResult();
        if (happened is StepDone step)
            _outbox.Add(EventTranslation.ToTelemetry(step, _options.Machine));
        if (happened is TrainingParked parked && EventTranslation.ToTelemetry(parked, _options.Machine) is { } unreachable)
            _outbox.Add(unreachable);
        if (happened is RankWaits waits)
            _outbox.Add(EventTranslation.ToTelemetry(waits, _options.Machine));
        if (EventTranslation.ToReport(happened, _options.Machine) is { } report)
            _outbox.Add(report);
    }
}
