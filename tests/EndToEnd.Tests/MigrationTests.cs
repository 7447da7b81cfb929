using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Telemetry;
using TrainMover.Embedded;
using TrainMover.EndToEnd.Tests.Support;
using TrainMover.Fixtures;
using TrainMover.Training;

namespace TrainMover.EndToEnd.Tests;

/// <summary>A job of real processes is migrated twice, and ends as if nothing had happened.</summary>
public sealed class MigrationTests(PostgresFixture postgres)
{
    private const int Steps = 300;

    [Fact]
    public async Task A_job_that_loses_two_machines_ends_bit_for_bit_like_one_that_lost_none()
    {
        await using var cluster = await Cluster.StartAsync(postgres);
        await using var steps = new StepLog(cluster.Kafka);
        var job = await cluster.SubmitAsync("gpt", Steps);
        await cluster.WaitForAsync<StandbyReady>("the standby to prove itself");
        await steps.ReachAsync(20);
        var stayer = cluster.Deployment.Worker("m0")!.Pid;
        var before = Sockets.Of(stayer);

        await cluster.TellAsync(new MaintenanceScheduled("m1", "firmware update"));
        var expected = await cluster.CompletedAsync();
        var after = Sockets.Of(stayer);
        expected.Connections.ShouldBe(new ConnectionDelta(Kept: 1, Inherited: 0, Removed: 2, Added: 2));
        (expected.LostSteps, expected.StayerDeviceBytes).ShouldBe((0, 0));
        before.Except(after).ShouldNotBeEmpty();
        before.Intersect(after).ShouldNotBeEmpty();

        await steps.ReachAsync(60, generation: 2);
        cluster.Deployment.Worker("m2")!.Kill();
        var unexpected = await cluster.CompletedAsync(after: expected);
        unexpected.Connections.ShouldBe(new ConnectionDelta(Kept: 1, Inherited: 0, Removed: 2, Added: 2));
        (unexpected.LostSteps, unexpected.StayerDeviceBytes).ShouldBe((0, 0));

        var done = (await cluster.WaitForAsync<JobCompleted>("the job to complete", deadline: TimeSpan.FromMinutes(2))).Data;
        done.Digests.Select(rank => rank.MachineId).ShouldBe(["m0", "e0", "s0"], await cluster.StoryAsync());
        await steps.ReachAsync(Steps - 1);

        var reference = await ReferenceRun.RunAsync(
            new ModelShape(job.Model.Layers, job.Model.Width, job.Model.Heads, job.Model.Context, job.Model.Dropout),
            new TrainingRecipe(job.Seed, job.Steps, job.BatchPerRank, job.LearningRate), Corpus.Load(job.DataFile), job.Layout.Ranks);
        done.Digests.Select(rank => rank.Digest).ShouldBe(reference.Digests);
        steps.Losses().Values.ShouldBe(reference.LossBits);

        var world = await cluster.WorldAsync();
        world.Migration(expected.MigrationId).Kind.ShouldBe(InterruptionKind.Expected);
        world.Migration(unexpected.MigrationId).Kind.ShouldBe(InterruptionKind.Unexpected);
        (await cluster.Verifier.VerifyAsync()).First.ShouldBeNull();
        foreach (var service in (string[])["detector", "planner", "executor"])
            await cluster.WaitForAsync<ServiceReady>($"{service} to be ready", ready => ready is { Messages: > 0, Orders: > 0 } && ready.Service == service);
    }

    [Fact]
    public async Task A_worker_that_is_stopped_is_found_and_replaced()
    {
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(3, 1, 0));
        await using var steps = new StepLog(cluster.Kafka);
        await cluster.SubmitAsync("gpt", 100_000);
        await cluster.WaitForAsync<StandbyReady>("the standby to prove itself");
        await steps.ReachAsync(20);
        var worker = cluster.Deployment.Worker("m1")!;
        Signals.Stop(worker.Pid);
        try
        {
            await cluster.CompletedAsync();
        }
        finally
        {
            worker.Kill();
        }

        var raised = await cluster.OnlyInterruptionAsync();
        (raised.Cause, raised.Kind, raised.Machines.Single()).ShouldBe((InterruptionCause.Hang, InterruptionKind.Unexpected, "m1"));
        raised.RuledOut!.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_worker_that_computes_longer_than_its_peers_is_found_and_replaced_and_nobody_else_is()
    {
        await using var cluster = await Cluster.StartAsync(postgres, environment: new Dictionary<string, string> { [FaultyWorker.Switch] = "1", [Cluster.SlowdownMode] = "enforce" });
        await using var steps = new StepLog(cluster.Kafka);
        await cluster.SubmitAsync("gpt", 100_000);
        await cluster.WaitForAsync<StandbyReady>("the standby to prove itself");
        await steps.ReachAsync(40);
        FaultyWorker.Set(cluster.Deployment.Environment.RunDirectory, "m1", 1);
        var completed = await cluster.CompletedAsync();
        completed.LostSteps.ShouldBe(0);
        await steps.ReachAsync(100, generation: 2);

        var world = await cluster.WorldAsync();
        var raised = await cluster.OnlyInterruptionAsync();
        (raised.Cause, raised.Kind, raised.Machines.Single()).ShouldBe((InterruptionCause.SlowWorker, InterruptionKind.Expected, "m1"));
        raised.Evidence.ShouldNotBeEmpty();
        raised.RuledOut!.Count.ShouldBe(6);
        world.Migration(completed.MigrationId).Leavers.ShouldBe(["m1"]);
    }

    [Fact]
    public async Task A_worker_that_runs_and_is_stuck_in_an_operation_is_found_and_replaced_and_comes_back_as_another()
    {
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(3, 1, 0), environment: new Dictionary<string, string> { [FaultyWorker.Switch] = "1" });
        await using var steps = new StepLog(cluster.Kafka);
        await cluster.SubmitAsync("gpt", 100_000);
        await cluster.WaitForAsync<StandbyReady>("the standby to prove itself");
        await steps.ReachAsync(20);
        var stuck = cluster.Deployment.Worker("m1")!;
        FaultyWorker.Set(cluster.Deployment.Environment.RunDirectory, "m1", double.PositiveInfinity);
        var completed = await cluster.CompletedAsync();
        completed.LostSteps.ShouldBe(0);

        var raised = await cluster.OnlyInterruptionAsync();
        (raised.Cause, raised.Kind, raised.Machines.Single()).ShouldBe((InterruptionCause.Hang, InterruptionKind.Unexpected, "m1"));
        raised.RuledOut!.Count.ShouldBe(4);
        // It rehearses with what training leaves of the cores.
        await cluster.WaitForAsync<MachineRegistered>(
            "its next worker to be registered", registered => registered.MachineId == "m1" && cluster.Deployment.Worker("m1") is { } next && next != stuck, TimeSpan.FromMinutes(3));
    }

    [Fact]
    public async Task A_lost_agent_moves_nothing_and_its_worker_is_adopted_again()
    {
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(3, 0, 0));
        await using var steps = new StepLog(cluster.Kafka);
        await cluster.SubmitAsync("gpt", 100_000);
        await steps.ReachAsync(20);
        var worker = cluster.Deployment.Worker("m1")!;
        await cluster.Deployment.KillAsync("agent-m1");
        var raised = (await cluster.WaitForAsync<InterruptionRaised>("the loss of the agent to be raised")).Data;
        (raised.Cause, raised.Severity).ShouldBe((InterruptionCause.AgentLoss, Severity.Restart));
        await cluster.Deployment.StartProcessAsync("agent-m1");
        await cluster.WaitForAsync<InterruptionRecovered>("the agent to be heard again");
        cluster.Deployment.Worker("m1").ShouldBe(worker);
        (await cluster.WorldAsync()).Migrations.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_leaver_that_dies_during_the_preparation_is_replaced_by_the_joiner_that_was_warming_up()
    {
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(3, 0, 1));
        await using var steps = new StepLog(cluster.Kafka);
        await cluster.SubmitAsync("gpt", 100_000);
        await steps.ReachAsync(20);
        await cluster.TellAsync(new MaintenanceScheduled("m1", "firmware update"));
        await cluster.WaitForAsync<PreparationStarted>("the preparation to start");
        cluster.Deployment.Worker("m1")!.Kill();
        var completed = await cluster.CompletedAsync();
        completed.LostSteps.ShouldBe(0);
        var closed = (await cluster.WaitForAsync<JobMigrationClosed>("the job to be on its new machines")).Data;
        closed.Topology.Ranks.Select(place => place.MachineId).ShouldBe(["m0", "e0", "m2"]);
    }

    [Fact]
    public async Task A_joiner_that_dies_during_the_preparation_leaves_the_old_group_unharmed_and_another_is_planned()
    {
        await using var cluster = await Cluster.StartAsync(postgres);
        await using var steps = new StepLog(cluster.Kafka);
        await cluster.SubmitAsync("gpt", 100_000);
        await cluster.WaitForAsync<StandbyReady>("the standby to prove itself");
        await steps.ReachAsync(20);
        await cluster.TellAsync(new MaintenanceScheduled("m1", "firmware update"));
        var planned = (await cluster.WaitForAsync<MigrationPlanned>("the migration to be planned")).Data;
        await cluster.WaitForAsync<PreparationStarted>("the preparation to start");
        cluster.Deployment.Worker(planned.Plan.Moves.Single().Joiner)!.Kill();
        await cluster.WaitForAsync<MigrationAborted>("the first plan to be given up");
        await cluster.CompletedAsync();
        steps.Losses().ShouldNotBeEmpty();
    }
}
