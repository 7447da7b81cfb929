using System.Globalization;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Telemetry;
using TrainMover.EndToEnd.Tests.Support;
using TrainMover.Fixtures;
using TrainMover.Training;

namespace TrainMover.EndToEnd.Tests;

/// <summary>Invariant 8, seen from outside: what the kernel says of a stayer's memory agrees with what the report says.</summary>
public sealed class MemoryTests(PostgresFixture postgres, ITestOutputHelper output)
{
    private const int Window = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // Large enough that a second copy of its state (30 MB) stands out: what else comes and goes is 1 to 4 MB.
    private static readonly JobModel Large = new(Layers: 3, Width: 256, Heads: 4, Context: 16);

    [Fact]
    public async Task A_stayer_needs_no_more_memory_with_a_migration_than_without()
    {
        await using var cluster = await Cluster.StartAsync(postgres);
        await using var steps = new StepLog(cluster.Kafka);
        var job = await cluster.SubmitAsync("gpt", 100_000, Large);
        await cluster.WaitForAsync<StandbyReady>("the standby to prove itself", deadline: Patience);
        var stayer = new Memory(cluster.Deployment.Worker("m2")!.Pid);
        await TrainAsync(steps, generation: 1);

        var quiet = await stayer.BeginAsync();
        await TrainAsync(steps, generation: 1);
        var without = stayer.Peak - quiet;

        var resident = await stayer.BeginAsync();
        await cluster.TellAsync(new MaintenanceScheduled("m1", "firmware update"));
        await cluster.WaitForAsync<SwitchOrdered>("all participants to be ready", deadline: Patience);
        var preparation = stayer.Peak - resident;
        var migration = await cluster.CompletedAsync(deadline: Patience);
        await TrainAsync(steps, generation: 2);
        var with = stayer.Peak - resident;

        var state = new ParameterLayout(new ModelShape(job.Model.Layers, job.Model.Width, job.Model.Heads, job.Model.Context, job.Model.Dropout)).Parameters * 3L * sizeof(float);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"state {state:N0} bytes; growth without a migration {without:N0}, of its preparation {preparation:N0}, with it {with:N0}"));
        migration.StayerDeviceBytes.ShouldBe(0);
        preparation.ShouldBeLessThan(without + (state / 2));
        with.ShouldBeLessThan(without + (state / 2));
    }

    private static Task TrainAsync(StepLog steps, int generation) => steps.ReachAsync(steps.Steps.Select(step => step.Step).DefaultIfEmpty().Max() + Window, generation, Patience);
}
