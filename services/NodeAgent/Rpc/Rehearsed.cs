using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Schema;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.NodeAgent.Rpc;

/// <summary>
/// Every message of a connection: sent there and back when it opens, so that no order or report is the first of its kind in a pause (ADR 4). What JSON
/// needs is compiled for each connection anew; a rehearsal elsewhere does not serve it.
/// </summary>
public sealed record Rehearsed(
    IReadOnlyList<AgentCommand> Commands, IReadOnlyList<AgentReport> Reports, IReadOnlyList<StepCompleted> Steps, IReadOnlyList<PeerUnreachable> Unreachable)
{
    public static Rehearsed All => new(Examples<AgentCommand>(), Examples<AgentReport>(), Examples<StepCompleted>(), Examples<PeerUnreachable>());

    private static IReadOnlyList<T> Examples<T>() => [.. Contracts.Schema.Examples.Of(typeof(T)).Select(example => (T)example.Body)];
}
