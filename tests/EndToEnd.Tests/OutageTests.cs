using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Telemetry;
using TrainMover.Embedded;
using TrainMover.EndToEnd.Tests.Support;
using TrainMover.Fixtures;

namespace TrainMover.EndToEnd.Tests;

/// <summary>Invariant 6: an outage of the control plane never disturbs training, and what was pending completes afterwards.</summary>
public sealed class OutageTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Training_goes_on_without_any_control_plane_and_a_pending_notice_is_answered_when_it_is_back()
    {
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(3, 0, 1));
        await using var steps = new StepLog(cluster.Kafka);
        await cluster.SubmitAsync("gpt", 100_000);
        await steps.ReachAsync(20);
        foreach (var service in (string[])["detector", "planner", "executor"]) await cluster.Deployment.KillAsync(service);
        await cluster.TellAsync(new MaintenanceScheduled("m1", "firmware update"));
        await steps.ReachAsync(steps.Steps[^1].Step + 50);
        foreach (var service in (string[])["executor", "planner", "detector"]) await cluster.Deployment.StartProcessAsync(service);
        await cluster.CompletedAsync(deadline: TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_broker_that_comes_back_empty_is_filled_from_the_log_and_migrations_go_on()
    {
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(3, 0, 1));
        await using (var steps = new StepLog(cluster.Kafka))
        {
            await cluster.SubmitAsync("gpt", 100_000);
            await steps.ReachAsync(20);
        }

        await cluster.Deployment.KillAsync(Deployment.Broker);
        await cluster.Deployment.StartProcessAsync(Deployment.Broker);
        await using var after = new StepLog(cluster.Kafka);
        await after.ReachAsync(40);
        await cluster.TellAsync(new MaintenanceScheduled("m1", "firmware update"));
        var completed = await cluster.CompletedAsync(deadline: TimeSpan.FromMinutes(1));
        (await cluster.WorldAsync()).Migration(completed.MigrationId).Phase.ShouldBe(MigrationPhase.Completed);
    }
}
