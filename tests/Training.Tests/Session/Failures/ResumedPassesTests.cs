using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>Machines are lost while the others are in the middle of their passes: those go on where they stood, if their parameters are still the same ones.</summary>
public class ResumedPassesTests
{
    private const long FailedStep = 4;

    // Two layers. Forward: before each layer and the loss; backward: before these and the input side.
    private const int PerMicroBatch = 3 + 4;

    [Theory]
    [InlineData("dp3", 2, 6)]
    [InlineData("dp3", 4, 7)]
    [InlineData("dp3 mb2", 3, 9)]
    [InlineData("dp3 mb2", 7, 13)]
    [InlineData("dp3 zero", 3, 5)]
    [InlineData("dp3 mb2 overlap", 6, 11)]
    [InlineData("dp3 zero overlap", 2, 4)]
    public async Task Survivors_go_on_with_the_segment_that_they_were_stopped_before(string layout, int one, int other)
    {
        await using var job = FailingJob.Create(layout, standbys: 1);
        var to = await LoseAsync(job, ["m1"], ("m0", one), ("m2", other));
        var switched = await job.ReplaceLostAsync(job.First, to);

        switched.ShouldAllBe(done => done.ResumedStep == FailedStep && done.LostSteps == 0 && done.Connections == done.Planned);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        SegmentsAfter(job, "m0").ShouldBe(SegmentsOf(job) - one + 1);
        SegmentsAfter(job, "m2").ShouldBe(SegmentsOf(job) - other + 1);
        SegmentsAfter(job, job.Standby(0)).ShouldBe(SegmentsOf(job));
    }

    [Fact]
    public async Task A_survivor_that_has_begun_to_reduce_gradients_computes_them_anew()
    {
        await using var job = FailingJob.Create("dp3 overlap", standbys: 1);
        var to = await LoseAsync(job, ["m1"], ("m0", 2), ("m2", PerMicroBatch));
        await job.ReplaceLostAsync(job.First, to);

        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        SegmentsAfter(job, "m0").ShouldBe(PerMicroBatch - 1);
        SegmentsAfter(job, "m2").ShouldBe(PerMicroBatch);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Survivors_that_return_to_a_checkpoint_compute_everything_anew(int checkpointEvery)
    {
        await using var job = FailingJob.Create("dp4 zero", standbys: 2, checkpointEvery);
        var to = await LoseAsync(job, ["m1", "m2"], ("m0", 3), ("m3", 6));
        var switched = await job.ReplaceLostAsync(job.First, to);

        switched.ShouldAllBe(done => done.Source == SessionStateSource.Checkpoint);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        SegmentsAfter(job, "m0").ShouldBe(PerMicroBatch);
        SegmentsAfter(job, "m3").ShouldBe(PerMicroBatch);
    }

    [Theory]
    [InlineData("dp3 pp2", 2)]
    [InlineData("dp3 tp2", 5)]
    public async Task Survivors_whose_passes_need_others_train_the_step_again(string layout, int stop)
    {
        await using var job = FailingJob.Create(layout, standbys: 1);
        var to = await LoseAsync(job, ["m1"], ("m0", stop));
        var switched = await job.ReplaceLostAsync(job.First, to);

        switched.ShouldAllBe(done => done.ResumedStep == FailedStep && done.LostSteps == 0);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    private static int SegmentsOf(FailingJob job) => job.Cluster.Job.Recipe.MicroBatches * PerMicroBatch;

    // The first step of a machine's last generation.
    private static int SegmentsAfter(FailingJob job, string machine) => job.Probes.SegmentsOf(machine, job.Machines.Contains(machine) ? 1 : 0, 0);

    private static async Task<Topology> LoseAsync(FailingJob job, string[] victims, params (string Machine, int Segment)[] stops)
    {
        var gates = stops.Select(stop => job.Probes.StopBefore(stop.Machine, FailedStep, stop.Segment)).ToList();
        job.Probes.DieAt(job.Cluster[victims[0]], FailedStep, StepPoint.BeforeReduction, () =>
        {
            Task.WhenAll(gates.Select(gate => gate.ReachedAsync())).GetAwaiter().GetResult();
            // It is written beside the steps: of a machine that dies it may still be half written.
            var checkpoint = job.Cluster.Job.CheckpointEvery is > 0 and var every ? FailedStep / every * every : 0;
            SpinWait.SpinUntil(() => CheckpointStore.NewestWhole(job.Cluster.Job) == checkpoint, TimeSpan.FromSeconds(20)).ShouldBeTrue();
            foreach (var other in victims.Skip(1))
                job.Cluster[other].Die();
        });
        job.Cluster.Start(job.First);
        await job.ParkedAsync(1, job.Stayers(victims));
        return job.After(job.First, 2, [.. victims.Select((victim, index) => (victim, job.Standby(index)))]);
    }
}
