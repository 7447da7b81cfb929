using TrainMover.Collectives;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Training.Session;

namespace TrainMover.Worker;

/// <summary>Orders of the control plane as requests to the session.</summary>
internal static class OrderTranslation
{
    /// <summary>Null for an order that is not the session's: release ends the process.</summary>
    public static SessionRequest? ToRequest(AgentOrder order) => order switch
    {
        StartTraining start => new StartRequest(order.OrderId, JobTranslation.ToJob(start.Job), ToTopology(start.Job, start.Topology)),
        WarmUp warmUp => new WarmUpRequest(order.OrderId, JobTranslation.ToJob(warmUp.Job), order.Generation),
        Prepare prepare => new PrepareRequest(
            order.OrderId,
            prepare.Plan.MigrationId,
            JobTranslation.ToJob(prepare.Job),
            ToTopology(prepare.Job, prepare.Plan.From),
            ToTopology(prepare.Job, prepare.Plan.To),
            [.. prepare.Plan.Moves.Select(move => new MachineMove(move.Leaver, move.Joiner))],
            prepare.Plan.Kind == InterruptionKind.Expected),
        Switch change => new SwitchRequest(order.OrderId, change.MigrationId, order.JobId, order.Generation, change.LeaverLost),
        Abort abort => new AbortRequest(order.OrderId, abort.MigrationId, order.JobId, order.Generation, abort.Reason),
        _ => null,
    };

    private static Topology ToTopology(JobSpec job, JobTopology topology) => new(
        job.JobId,
        topology.Generation,
        JobTranslation.ToLayout(job),
        [.. topology.Ranks.Select(place => new Member(place.Rank, place.MachineId, place.Host, place.Port))],
        Convert.FromBase64String(topology.Key));
}
