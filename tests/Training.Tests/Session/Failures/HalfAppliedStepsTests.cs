using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>A fault between the commit of a step and the end of its update, which some ranks have seen and others have not.</summary>
public class HalfAppliedStepsTests
{
    private const long FailedStep = 4;

    [Theory]
    [InlineData("dp3", "m0", "m1", "m2")]
    [InlineData("dp2 pp2", "m0", "m3", "m1 m2")]
    [InlineData("dp2 pp2", "m2", "m3", "m0 m1")]
    [InlineData("dp2 pp2", "m0 m1", "m3", "m2")]
    [InlineData("dp3 tp2", "m0", "m1", "m2")]
    [InlineData("dp3 zero", "m2", "m1", "m0")]
    public async Task Ranks_that_missed_the_end_of_a_commit_apply_the_step_that_others_have_applied(string layout, string behind, string victim, string ahead)
    {
        await using var job = FailingJob.Create(layout, standbys: 1);
        await job.ShouldEndLikeAnUndisturbedRunAsync(await HalfApplyAsync(job, behind.Split(' '), victim, ahead.Split(' ')));
    }

    [Fact]
    public async Task Without_the_rule_the_step_is_lost_on_those_ranks_and_replicas_differ()
    {
        await using var job = FailingJob.Create("dp3", standbys: 1, stepRule: false);
        var to = await HalfApplyAsync(job, ["m0"], victim: "m1", ["m2"]);
        var finished = await job.Cluster.AllAsync<TrainingFinished>([.. to.Machines]);
        finished.Select(machine => machine.Digests.ShouldHaveSingleItem().Digest).Distinct().Count().ShouldBeGreaterThan(1);
    }

    /// <summary>Loses a machine where some ranks have entered the commit of a step without seeing it pass, and others have applied it. The generation without that machine.</summary>
    private static async Task<Topology> HalfApplyAsync(FailingJob job, string[] lagging, string victim, string[] applied)
    {
        // Those behind have entered the commit and see its outcome only as a failure.
        using var committed = new CountdownEvent((lagging.Length + applied.Length) * job.First.Layout.Tp);
        foreach (var machine in lagging.SelectMany(machine => Enumerable.Repeat(machine, job.First.Layout.Tp)))
        {
            job.Probes.At(machine, FailedStep, job.Committed, group =>
            {
                committed.Signal();
                job.Cluster[victim].AwaitDeath();
                group.Barrier();
            });
        }

        // Whoever has the outcome applies it, whatever happens to the group.
        foreach (var machine in applied.SelectMany(machine => Enumerable.Repeat(machine, job.First.Layout.Tp)))
            job.Probes.At(machine, FailedStep, job.Committed, _ => committed.Signal());
        job.Probes.DieAt(job.Cluster[victim], FailedStep, job.Committed, () => committed.Wait(TimeSpan.FromSeconds(20)).ShouldBeTrue());
        var to = job.After(job.First, 2, (victim, job.Standby(0)));
        job.Cluster.Start(job.First);
        var stopped = await job.ParkedAsync(1, [.. lagging, .. applied]);
        var switched = await job.ReplaceLostAsync(job.First, to);

        stopped.Select(parked => parked.Step).ShouldBe([.. lagging.Select(_ => FailedStep), .. applied.Select(_ => FailedStep + 1)]);
        switched.ShouldAllBe(done => done.ResumedStep == FailedStep + 1 && done.LostSteps == 0);
        return to;
    }
}
