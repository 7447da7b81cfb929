using TrainMover.Contracts.Commands;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Domain.Jobs;

namespace TrainMover.Domain.Migrations;

/// <summary>
/// Which orders follow from what is in the log. Orders are never stored: they are a function of state, can be issued again at any time, and
/// carry the same id each time.
/// </summary>
public static class Orders
{
    /// <summary>Orders that an event calls for, given the world after it.</summary>
    public static IReadOnlyList<AgentOrder> For(object @event, World world) => @event switch
    {
        JobStarted e => [.. e.Topology.Ranks.Select(place => Start(world.Job(e.JobId), place))],
        StandbyAssigned e => [WarmUpOrder(world.Job(e.JobId), e.MachineId)],
        PreparationStarted e => ForMigration(world, e.MigrationId, MigrationPhase.Preparing),
        SwitchOrdered e => ForMigration(world, e.MigrationId, MigrationPhase.Switching),
        MigrationEscalated e when world.Migration(e.MigrationId).SwitchOrdered => ForMigration(world, e.MigrationId, MigrationPhase.Switching),
        AbortOrdered e => ForMigration(world, e.MigrationId, MigrationPhase.Aborting),
        MigrationAborted { Phase: not MigrationPhase.Planned } e => ForMigration(world, e.MigrationId, MigrationPhase.Aborting),
        MigrationCompleted e => ForMigration(world, e.MigrationId, MigrationPhase.Completed),
        _ => [],
    };

    /// <summary>Orders that a machine that announced itself may have missed.</summary>
    public static IReadOnlyList<AgentOrder> Open(Announced announced, World world)
    {
        var orders = new List<AgentOrder>();
        var worker = announced.Worker;
        foreach (var job in world.Jobs.Where(job => job.Status == JobStatus.Running))
        {
            // Only the very process that the topology names may start in generation 1: a later one has lost its state.
            var place = job.Topology!.Ranks.FirstOrDefault(place => place.MachineId == announced.MachineId && place.Port == worker.Port);
            if (place is not null && job.Topology.Generation == 1 && worker is { Phase: WorkerPhase.Idle, JobId: null }) orders.Add(Start(job, place));
            if (worker.Phase == WorkerPhase.Idle && job.Standbys.TryGetValue(announced.MachineId, out var trust) && trust == StandbyTrust.Assigned)
                orders.Add(WarmUpOrder(job, announced.MachineId));
        }

        foreach (var migration in world.Migrations.Where(migration => migration.Phase is not null))
        {
            if (migration.Ended && !(worker.Phase is WorkerPhase.Left && migration.Plan!.From.Generation == worker.Generation && migration.Plan.JobId == worker.JobId)) continue;
            orders.AddRange(ForMigration(world, migration.Plan!.MigrationId, migration.Phase == MigrationPhase.Agreed ? MigrationPhase.Switching : migration.Phase!.Value)
                .Where(order => order.MachineId == announced.MachineId));
        }

        return orders;
    }

    private static IReadOnlyList<AgentOrder> ForMigration(World world, string migrationId, MigrationPhase phase)
    {
        var migration = world.Migration(migrationId);
        var plan = migration.Plan!;
        var job = world.Job(plan.JobId);
        var lost = migration.Kind == InterruptionKind.Unexpected;
        return phase switch
        {
            MigrationPhase.Preparing => [.. migration.Participants.Select(machine => new Prepare(plan, job.Spec!)
            {
                MachineId = machine,
                JobId = plan.JobId,
                Generation = plan.To.Generation,
                OrderId = $"{migrationId}:prepare",
            })],
            MigrationPhase.Switching => [.. migration.Participants.Select(machine => new Switch(migrationId, lost)
            {
                MachineId = machine,
                JobId = plan.JobId,
                Generation = plan.To.Generation,
                OrderId = lost ? $"{migrationId}:switch-without-leaver" : $"{migrationId}:switch",
            })],
            MigrationPhase.Aborting or MigrationPhase.Aborted => [.. migration.Participants.Select(machine => new Abort(migrationId, migration.AbortReason ?? "")
            {
                MachineId = machine,
                JobId = plan.JobId,
                Generation = plan.To.Generation,
                OrderId = $"{migrationId}:abort",
            })],
            MigrationPhase.Completed => [.. migration.Leavers.Select(machine => new Release(migrationId)
            {
                MachineId = machine,
                JobId = plan.JobId,
                Generation = plan.To.Generation,
                OrderId = $"{migrationId}:release",
            })],
            _ => [],
        };
    }

    private static StartTraining Start(Job job, RankPlace place) => new(job.Spec!, job.Topology!, place.Rank)
    {
        MachineId = place.MachineId,
        JobId = job.Spec!.JobId,
        Generation = 1,
        OrderId = $"{job.Spec.JobId}:start",
    };

    private static WarmUp WarmUpOrder(Job job, string machineId) => new(job.Spec!)
    {
        MachineId = machineId,
        JobId = job.Spec!.JobId,
        Generation = job.Topology!.Generation,
        OrderId = $"{job.Spec.JobId}:warm-up",
    };
}
