using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Embedded;
using TrainMover.EndToEnd.Tests.Support;
using TrainMover.Fixtures;
using TrainMover.Training;

namespace TrainMover.EndToEnd.Tests;

/// <summary>Worker processes that are killed and stopped by signals, in layouts where other stages and other devices depend on them.</summary>
public sealed class FaultTests(PostgresFixture postgres)
{
    private const int Steps = 250;

    [Theory(Explicit = true)]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public async Task A_worker_that_is_killed_and_one_that_is_stopped_are_replaced_in_a_pipeline_and_with_several_devices(int pp, int tp)
    {
        var layout = new JobLayout(2, pp, tp);
        await using var cluster = await Cluster.StartAsync(postgres, MachineSetup.Fleet(2 * pp, 2, 0));
        await using var steps = new StepLog(cluster.Kafka);
        var job = await cluster.SubmitAsync("gpt", Steps, layout: layout);
        await cluster.WaitForAsync<StandbyReady>("the first standby to prove itself", ready => ready.MachineId == "s0");
        await steps.ReachAsync(20);
        cluster.Deployment.Worker("m1")!.Kill();
        var killed = await cluster.CompletedAsync();
        (killed.LostSteps, killed.StayerDeviceBytes).ShouldBe((0, 0));

        var last = steps.Steps.Max(step => step.Step);
        await steps.ReachAsync(last + 10, generation: 2);
        var victim = cluster.Deployment.Worker("m0")!;
        Signals.Stop(victim.Pid);
        try
        {
            var stopped = await cluster.CompletedAsync(after: killed);
            (stopped.LostSteps, stopped.StayerDeviceBytes).ShouldBe((0, 0));
            // Whoever goes on after it was replaced meets closed connections, and disturbs nobody.
            Signals.Continue(victim.Pid);
            var done = (await cluster.WaitForAsync<JobCompleted>("the job to complete", deadline: TimeSpan.FromMinutes(1))).Data;
            await steps.ReachAsync(Steps - 1);

            var reference = await ReferenceRun.RunAsync(
                new ByteGpt(new ModelShape(job.Model.Layers, job.Model.Width, job.Model.Heads, job.Model.Context, job.Model.Dropout)),
                new TrainingRecipe(job.Seed, job.Steps, job.BatchPerRank, job.LearningRate) { MicroBatches = job.MicroBatches },
                Corpus.Load(job.DataFile), new Collectives.ParallelLayout(layout.Dp, layout.Pp, layout.Tp));
            done.Digests.OrderBy(rank => rank.Rank).Select(rank => rank.Digest).ShouldBe(reference.Digests);
            steps.Losses().Values.ShouldBe(reference.LossBits);
        }
        finally
        {
            victim.Kill();
        }

        var raised = (await cluster.WorldAsync()).Interruptions.Select(interruption => interruption.Raised!).Where(one => one.Kind == InterruptionKind.Unexpected).ToList();
        raised.Select(one => one.Machines.Single()).ShouldBe(["m1", "m0"], ignoreOrder: true);
    }
}
