using StreamJsonRpc;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.NodeAgent.Rpc;

/// <summary>What a worker tells its agent. A call that returns means: the agent holds it now.</summary>
[JsonRpcContract]
public partial interface IWorkerObserver
{
    Task OnReportAsync(AgentReport report, CancellationToken ct);

    Task OnStepCompletedAsync(StepCompleted step, CancellationToken ct);

    Task OnPeerUnreachableAsync(PeerUnreachable peer, CancellationToken ct);

    Task OnRankWaitingAsync(RankWaiting rank, CancellationToken ct);
}
