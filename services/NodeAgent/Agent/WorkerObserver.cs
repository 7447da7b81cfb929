using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.Agent;

/// <summary>Passes on what the worker says. A report is taken from the worker once it has its place in the queue to the broker.</summary>
internal sealed class WorkerObserver(WorkerView view, Outgoing outgoing) : IWorkerObserver
{
    public Task OnReportAsync(AgentReport report, CancellationToken ct)
    {
        if (report.Report is Switched or Finished or Parked && report.Report.JobId is { } job)
            view.Trains(job, report.Report.Generation);
        return outgoing.ReportAsync(report, null, ct).AsTask();
    }

    public Task OnStepCompletedAsync(StepCompleted step, CancellationToken ct)
    {
        view.Trains(step.JobId, step.Generation);
        outgoing.Tell(step);
        return Task.CompletedTask;
    }

    public Task OnPeerUnreachableAsync(PeerUnreachable peer, CancellationToken ct)
    {
        outgoing.Tell(peer);
        return Task.CompletedTask;
    }

    public Task OnRankWaitingAsync(RankWaiting rank, CancellationToken ct)
    {
        outgoing.Tell(rank);
        return Task.CompletedTask;
    }
}
