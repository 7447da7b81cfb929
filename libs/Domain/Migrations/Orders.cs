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
    /// <summary>
    /// Orders that an event calls for, given the world after it. An event whose time is over calls for none, so that reading the log again never
    /// acts on old facts (invariant 3).
    /// </summary>
    public static IReadOnlyList<AgentOrder> For(object @event, World world) => @event switch
    {
        JobStarted e when world.Job(e.JobId) is { Status: JobStatus.Running, LastGeneration: 1 } job => [.. e.Topology.Machines.Select(machine => Start(job, machine))],
        StandbyAssigned e when IsWarmingUp(world.Job(e.JobId), e.MachineId) => [WarmUpOrder(world.Job(e.JobId), e.MachineId)],
        StandbyArmed e when world.Job(e.JobId) is { Status: JobStatus.Running } job && job.Armed == e => [.. ArmedMachines(job).Select(machine => ArmOrder(job, machine))],
        // The plan is in the log: its participants need not wait until it is also there that they prepare.
        MigrationPlanned e => Current(world, e.Plan.MigrationId, MigrationPhase.Planned, MigrationPhase.Preparing),
        SwitchOrdered e => Current(world, e.MigrationId, MigrationPhase.Switching),
        MigrationEscalated e => Current(world, e.MigrationId, MigrationPhase.Switching, MigrationPhase.Agreed),
        AbortOrdered e => Current(world, e.MigrationId, MigrationPhase.Aborting),
        MigrationAborted e => Current(world, e.MigrationId, MigrationPhase.Aborted),
        MigrationCompleted e => Current(world, e.MigrationId, MigrationPhase.Completed),
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
            if (place is not null && job.Topology.Generation == 1 && worker is { Phase: WorkerPhase.Idle, JobId: null }) orders.Add(Start(job, place.MachineId));
            if (worker.Phase == WorkerPhase.Idle && IsWarmingUp(job, announced.MachineId)) orders.Add(WarmUpOrder(job, announced.MachineId));
            if (job is { IsArmed: true, OpenMigration: null } && ArmedMachines(job).Contains(announced.MachineId)) orders.Add(ArmOrder(job, announced.MachineId));
        }

        foreach (var migration in world.Migrations.Where(migration => migration.Phase is not null))
        {
            if (migration.Ended && !(worker.Phase is WorkerPhase.Left && migration.Plan!.From.Generation == worker.Generation && migration.Plan.JobId == worker.JobId)) continue;
            orders.AddRange(ForMigration(world, migration)
                .Where(order => order.MachineId == announced.MachineId));
        }

        return orders;
    }

    private static IReadOnlyList<AgentOrder> Current(World world, string migrationId, params ReadOnlySpan<MigrationPhase> phases)
    {
        var migration = world.Migration(migrationId);
        return migration.Phase is { } phase && phases.Contains(phase) ? ForMigration(world, migration) : [];
    }

    private static IReadOnlyList<AgentOrder> ForMigration(World world, Migration migration)
    {
        var plan = migration.Plan!;
        var job = world.Job(plan.JobId);
        var lost = migration.Kind == InterruptionKind.Unexpected;
        var migrationId = plan.MigrationId;
        return migration.Phase switch
        {
            MigrationPhase.Planned or MigrationPhase.Preparing => [.. migration.Participants.Select(machine => new Prepare(plan, job.Spec!)
            {
                MachineId = machine,
                JobId = plan.JobId,
                Generation = plan.To.Generation,
                OrderId = Prepare.IdOf(migrationId),
            })],
            MigrationPhase.Switching or MigrationPhase.Agreed => [.. migration.Participants.Select(machine => new Switch(migrationId, lost)
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
            MigrationPhase.Completed => Releases(),
            // Until the migration that replaced this one has ended, its leaver may still be asked for.
            MigrationPhase.Superseded when job.OpenMigration is null => Releases(),
            _ => [],
        };

        AgentOrder[] Releases() => [.. migration.Leavers.Select(machine => new Release(migrationId)
        {
            MachineId = machine,
            JobId = plan.JobId,
            Generation = plan.To.Generation,
            OrderId = $"{migrationId}:release",
        })];
    }

    private static IEnumerable<string> ArmedMachines(Job job) => job.Topology!.Machines.Append(job.Armed!.MachineId);

    private static Arm ArmOrder(Job job, string machineId) => new(job.Armed!, job.Spec!, job.Topology!)
    {
        MachineId = machineId,
        JobId = job.Spec!.JobId,
        Generation = job.Armed!.Generation,
        OrderId = $"{MigrationPlan.IdOf(job.Spec.JobId, job.Armed.Generation)}:arm",
    };

    private static bool IsWarmingUp(Job job, string machineId) =>
        job.Standbys.TryGetValue(machineId, out var trust) && trust == StandbyTrust.Assigned;

    private static StartTraining Start(Job job, string machineId) => new(job.Spec!, job.Topology!)
    {
        MachineId = machineId,
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
