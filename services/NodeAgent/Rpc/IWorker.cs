using StreamJsonRpc;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Progress;

namespace TrainMover.NodeAgent.Rpc;

/// <summary>What an agent asks of its worker.</summary>
[JsonRpcContract]
public partial interface IWorker
{
    Task<WorkerStatus> GetStatusAsync(CancellationToken ct);

    /// <summary>Gives back what it got.</summary>
    Task<Rehearsed> RehearseAsync(Rehearsed messages, CancellationToken ct);

    /// <summary>Hands in an order; what follows from it comes as reports. Repeats are answered again and do nothing else.</summary>
    Task ExecuteAsync(AgentCommand command, CancellationToken ct);
}
