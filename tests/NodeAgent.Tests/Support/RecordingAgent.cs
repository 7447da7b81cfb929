using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.NodeAgent.Tests.Support;

/// <summary>The end of an agent to which a worker reports.</summary>
internal sealed class RecordingAgent : IWorkerObserver
{
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Exception? _failure;

    /// <summary>Holds up whoever tells it something until <see cref="Open"/>, when it is asked to.</summary>
    public RecordingAgent(bool closed = false, Exception? failure = null)
    {
        _failure = failure;
        if (!closed)
            _open.SetResult();
    }

    public Sightings Seen { get; } = new();

    public void Open() => _open.TrySetResult();

    public Task OnReportAsync(AgentReport report, CancellationToken ct) => TakeAsync(report.Report, ct);

    public Task OnStepCompletedAsync(StepCompleted step, CancellationToken ct) => TakeAsync(step, ct);

    public Task OnPeerUnreachableAsync(PeerUnreachable peer, CancellationToken ct) => TakeAsync(peer, ct);

    public Task OnRankWaitingAsync(RankWaiting rank, CancellationToken ct) => TakeAsync(rank, ct);

    private async Task TakeAsync(object message, CancellationToken ct)
    {
        Seen.Add(message);
        await _open.Task.WaitAsync(ct);
        if (_failure is not null)
            throw _failure;
    }
}
