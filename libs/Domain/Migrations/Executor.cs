using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;

namespace TrainMover.Domain.Migrations;

/// <summary>The Executor's decisions: which fact leads to which event of which migration.</summary>
public static class Executor
{
    /// <summary>A migration was planned or changed: takes the next step that needs nobody's report.</summary>
    public static Decision OnChange(World world, DateTimeOffset now)
    {
        var decision = new Decision(world);
        foreach (var migration in world.Migrations.Where(migration => migration.Phase is not null && !migration.Ended))
        {
            var id = migration.Plan!.MigrationId;
            decision.OnMigration(id, MigrationDecider.BeginPreparation);
            decision.OnMigration(id, state => state.Kind == InterruptionKind.Unexpected ? MigrationDecider.ContinueAfterEscalation(state) : []);
            decision.OnMigration(id, state => MigrationDecider.PassDeadline(state, now));
        }

        return decision;
    }

    /// <summary>A machine reported.</summary>
    public static Decision OnReport(World world, MachineReport report)
    {
        var decision = new Decision(world);
        switch (report)
        {
            case Announced announced:
                foreach (var id in Counting(world, report.MachineId, port => port != announced.Worker.Port))
                    decision.OnMigration(id, state => MigrationDecider.RecordWorkerLost(state, report.MachineId, "Another one is there now."));
                break;
            case WorkerLost lost:
                foreach (var id in Counting(world, report.MachineId, port => port == lost.Port))
                    decision.OnMigration(id, state => MigrationDecider.RecordWorkerLost(state, report.MachineId, lost.Detail));
                break;
            case Parked parked:
                foreach (var migration in Open(world).Where(migration => migration.Plan!.JobId == report.JobId))
                    decision.OnMigration(migration.Plan!.MigrationId, state => MigrationDecider.RecordParked(state, parked));
                break;
            case { MigrationId: { } id }:
                // Orders leave before the log says that the preparation started; a report may be faster.
                decision.OnMigration(id, MigrationDecider.BeginPreparation);
                decision.OnMigration(id, state => report switch
                {
                    Prepared prepared => MigrationDecider.RecordPrepared(state, prepared),
                    PreparationFailed failed => MigrationDecider.RecordPreparationFailed(state, failed),
                    Agreed agreed => MigrationDecider.RecordAgreed(state, agreed),
                    Switched switched => MigrationDecider.RecordSwitched(state, switched),
                    Aborted aborted => MigrationDecider.RecordAborted(state, aborted),
                    Refused refused => MigrationDecider.RecordRefused(state, refused),
                    _ => [],
                });
                break;
        }

        return decision;
    }

    /// <summary>When the earliest deadline of an open migration passes; null when there is none.</summary>
    public static DateTimeOffset? NextDeadline(World world) => Open(world)
        .Where(migration => PhaseTable.AbortAllowed(migration.Phase!.Value))
        .Select(migration => (DateTimeOffset?)migration.Plan!.Deadline)
        .Min();

    // Open plans that count on a worker of the machine, whose port is one of those asked for.
    private static IEnumerable<string> Counting(World world, string machineId, Func<int, bool> asked) =>
        from plan in Open(world).Select(migration => migration.Plan!)
        let place = plan.To.Ranks.Concat(plan.From.Ranks).FirstOrDefault(place => place.MachineId == machineId)
        where place is not null && asked(place.Port)
        select plan.MigrationId;

    private static IEnumerable<Migration> Open(World world) => world.Migrations.Where(migration => migration.Phase is not null && !migration.Ended);
}
