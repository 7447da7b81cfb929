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
        Arm arm => new ArmRequest(
            order.OrderId,
            JobTranslation.ToJob(arm.Job),
            ToTopology(arm.Job, arm.Topology),
            new Member(0, arm.Armed.MachineId, arm.Armed.Host, arm.Armed.Port),
            order.Generation,
            machine => PlanWithout(arm, machine)),
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

    private static StandingPlan PlanWithout(Arm arm, string machine)
    {
        var generation = arm.Armed.GenerationWithout(arm.Topology.RanksOf(machine)[0]);
        var migration = Contracts.Migrations.MigrationPlan.IdOf(arm.JobId, generation);
        return new StandingPlan(Prepare.IdOf(migration), migration, generation);
    }

    private static Topology ToTopology(JobSpec job, JobTopology topology) => new(
        job.JobId,
        topology.Generation,
        JobTranslation.ToLayout(job),
        [.. topology.Ranks.Select(place => new Member(place.Rank, place.MachineId, place.Host, place.Port))],
        Convert.FromBase64String(topology.Key));
}
