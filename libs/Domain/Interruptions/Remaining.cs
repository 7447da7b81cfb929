using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;

namespace TrainMover.Domain.Interruptions;

/// <summary>
/// What is left of an interruption of many machines: a migration moves as many of them as there are joiners, and the next one the rest. (The Detector resolves an interruption shortly after the
/// last one completed; a machine that left for it once, and is back, is not meant any more.)
/// </summary>
internal static class Remaining
{
    public static IEnumerable<string> Of(World world, InterruptionRaised raised)
    {
        var answers = world.Migrations.Where(migration => migration.Phase == MigrationPhase.Completed && migration.Interruptions.Contains(raised.InterruptionId)).ToList();
        return raised.Machines.Where(machine => !answers.Exists(migration => migration.Leavers.Contains(machine)));
    }
}
