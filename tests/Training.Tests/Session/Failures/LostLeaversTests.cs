using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>A leaver that dies before it has given its ranks away: its warm joiner takes them all the same, in the generation that was planned.</summary>
public class LostLeaversTests
{
    private const long FailedStep = 4;

    public static TheoryData<string, bool> Layouts
    {
        get
        {
            var layouts = new TheoryData<string, bool>();
            foreach (var layout in (string[])["dp3", "dp2 pp2", "dp2 tp2"])
            {
                layouts.Add(layout, false);
                layouts.Add(layout, true);
            }

            layouts.Add("dp3 zero", false);
            return layouts;
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_leaver_that_dies_before_its_switch_makes_an_unexpected_migration_with_a_joiner_that_is_ready(string layout, bool followed)
    {
        await using var job = FailingJob.Create(layout, standbys: 1, following: followed);
        var leaver = job.Machines[^1];
        var to = job.After(job.First, 2, (leaver, job.Standby(0)));
        var gate = new Gate();
        job.Probes.DieAt(job.Cluster[leaver], FailedStep, StepPoint.BeforeReduction, gate.Pass);
        job.Cluster.Start(job.First);
        await gate.ReachedAsync();
        job.Cluster.Prepare(job.First, to, [.. job.Machines, job.Standby(0)]);
        // A leaver that is followed is ready when its joiner is a replica, which takes steps that this one does not make any more.
        await job.ReadyAsync(to, [.. to.Machines]);
        gate.Open();
        await job.ParkedAsync(1, job.Stayers(leaver));
        job.Cluster.Switch(to, leaverLost: true, [.. to.Machines]);
        var switched = await job.SwitchedAsync(to);

        switched.ShouldAllBe(done => done.ResumedStep == FailedStep && done.LostSteps == 0 && done.Connections == done.Planned);
        switched.Single(done => done.Source is not null).Source.ShouldBe(SessionStateSource.Peers);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Theory]
    [InlineData("dp3")]
    [InlineData("dp2 pp2")]
    [InlineData("dp2 tp2")]
    public async Task A_leaver_that_dies_when_the_switch_is_agreed_is_replaced_at_that_very_boundary(string layout)
    {
        await using var job = FailingJob.Create(layout, standbys: 1);
        var leaver = job.Machines[^1];
        var to = job.After(job.First, 2, (leaver, job.Standby(0)));
        var gate = job.HoldBefore(FailedStep);
        job.Probes.DieAt(job.Cluster[leaver], FailedStep, job.Committed);
        job.Cluster.Start(job.First);
        await gate.ReachedAsync();
        await job.LetVoteAsync(to, job.Standby(0), gate);
        await job.ParkedAsync(1, job.Stayers(leaver));
        job.Cluster.Switch(to, leaverLost: true, [.. to.Machines]);
        var switched = await job.SwitchedAsync(to);

        // Whoever was next to the leaver may have missed the end of the commit; if all did, the step is made again.
        switched.Select(done => done.ResumedStep).Distinct().ShouldHaveSingleItem().ShouldBeInRange(FailedStep, FailedStep + 1);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }
}
