using TrainMover.Collectives;
using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Jobs;
using TrainMover.Training;
using TrainMover.Training.Session;

namespace TrainMover.Worker;

/// <summary>Orders of the control plane as requests to the session.</summary>
internal static class OrderTranslation
{
    /// <summary>Null for an order that is not the session's: release ends the process.</summary>
    public static SessionRequest? ToRequest(AgentOrder order) => order switch
    {
        StartTraining start => new StartRequest(order.OrderId, ToJob(start.Job), ToTopology(order.JobId, start.Topology), start.Rank),
        WarmUp warmUp => new WarmUpRequest(order.OrderId, ToJob(warmUp.Job), order.Generation),
        Prepare prepare => new PrepareRequest(
            order.OrderId,
            prepare.Plan.MigrationId,
            ToJob(prepare.Job),
            ToTopology(order.JobId, prepare.Plan.From),
            ToTopology(order.JobId, prepare.Plan.To),
            [.. prepare.Plan.Moves.Select(move => new RankMove(move.Leaver, move.Joiner, move.Rank))]),
        Switch change => new SwitchRequest(order.OrderId, change.MigrationId, order.JobId, order.Generation, change.LeaverLost),
        Abort abort => new AbortRequest(order.OrderId, abort.MigrationId, order.JobId, order.Generation, abort.Reason),
        _ => null,
    };

    private static SessionJob ToJob(JobSpec spec) => new(
        spec.JobId,
        new ModelShape(spec.Model.Layers, spec.Model.Width, spec.Model.Heads, spec.Model.Context, spec.Model.Dropout),
        new TrainingRecipe(spec.Seed, spec.Steps, spec.BatchPerRank, spec.LearningRate),
        spec.DataFile,
        spec.Directory);

    private static Topology ToTopology(string job, JobTopology topology) => new(
        job,
        topology.Generation,
        [.. topology.Ranks.Select(place => new Member(place.Rank, place.MachineId, place.Host, place.Port))],
        Convert.FromBase64String(topology.Key));
}
