using TrainMover.Contracts.Migrations;

namespace TrainMover.Domain.Tests;

public sealed class RehearsalTests
{
    [Fact]
    public void The_rehearsed_migration_runs_to_its_end()
    {
        var (migration, orders) = DomainRehearsal.Play();

        migration.Phase.ShouldBe(MigrationPhase.Completed);
        // Start, warm up, arm, prepare, switch, and the leaver is released; the second standby is armed then.
        orders.ShouldBe(3 + 2 + 4 + 3 + 3 + 1 + 4);
    }
}
