using TrainMover.Contracts.Migrations;

namespace TrainMover.Domain.Tests;

public sealed class RehearsalTests
{
    [Fact]
    public void The_rehearsed_migration_runs_to_its_end()
    {
        var (migration, orders) = DomainRehearsal.Play();

        migration.Phase.ShouldBe(MigrationPhase.Completed);
        // Start, warm up, prepare, switch, and the leaver is released.
        orders.ShouldBe(3 + 2 + 3 + 3 + 1);
    }
}
