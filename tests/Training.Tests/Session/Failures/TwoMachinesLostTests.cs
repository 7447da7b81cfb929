using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session.Failures;

public class TwoMachinesLostTests
{
    private const long FailedStep = 4;

    [Theory]
    [InlineData("dp4", "m1", "m2")]
    [InlineData("dp4 zero", "m1", "m3")]
    [InlineData("dp2 pp2", "m1", "m2")]
    [InlineData("dp2 pp2", "m0", "m2")]
    [InlineData("dp3 tp2", "m0", "m1")]
    public async Task Two_machines_that_are_lost_at_once_are_replaced_by_one_plan_and_no_step_is_lost(string layout, string one, string other)
    {
        await using var job = FailingJob.Create(layout, standbys: 2);
        var to = await LoseAsync(job, one, other);
        var switched = await job.ReplaceLostAsync(job.First, to);

        switched.ShouldAllBe(done => done.LostSteps == 0 && done.Connections == done.Planned);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Theory]
    [InlineData("dp2 pp2", "m2", "m3")]
    [InlineData("dp4 zero", "m1", "m2")]
    [InlineData("pp3", "m0", "m2")]
    public async Task With_every_copy_of_a_rank_lost_all_machines_return_to_the_checkpoint(string layout, string one, string other)
    {
        await using var job = FailingJob.Create(layout, standbys: 2, checkpointEvery: 2);
        var to = await LoseAsync(job, one, other);
        var switched = await job.ReplaceLostAsync(job.First, to);

        switched.ShouldAllBe(done => done.Source == SessionStateSource.Checkpoint && done.StateBytes == 0);
        switched.Select(done => done.ResumedStep).Distinct().ShouldHaveSingleItem().ShouldBeInRange(0, FailedStep + 1);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    private static async Task<Collectives.Topology> LoseAsync(FailingJob job, string one, string other)
    {
        job.Probes.DieAt(job.Cluster[one], FailedStep, job.First.Layout.Dp > 1 ? StepPoint.BeforeReduction : job.Committed, job.Cluster[other].Die);
        job.Cluster.Start(job.First);
        await job.ParkedAsync(1, job.Stayers(one, other));
        return job.After(job.First, 2, (one, job.Standby(0)), (other, job.Standby(1)));
    }
}
