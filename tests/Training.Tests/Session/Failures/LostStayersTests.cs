using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>A machine that was to stay is lost while another one is to leave.</summary>
public class LostStayersTests
{
    private const long FailedStep = 4;

    public static TheoryData<string> Layouts => ["dp3", "dp2 pp2", "dp2 tp2", "dp3 zero"];

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_stayer_that_dies_during_the_preparation_ends_it_and_is_replaced_while_the_leaver_stays(string layout)
    {
        await using var job = FailingJob.Create(layout, standbys: 2);
        var (stayer, leaver) = Roles(job);
        var given = job.After(job.First, 2, (leaver, job.Standby(0)));
        var to = job.After(job.First, 3, (stayer, job.Standby(1)));
        var gate = new Gate();
        job.Probes.DieAt(job.Cluster[stayer], FailedStep, StepPoint.BeforeReduction, gate.Pass);
        job.Cluster.Start(job.First);
        await gate.ReachedAsync();
        string[] participants = [.. job.Machines, job.Standby(0)];
        job.Cluster.Prepare(job.First, given, participants);
        await job.ReadyAsync(given, participants);
        gate.Open();
        await job.ParkedAsync(1, job.Stayers(stayer));
        await Task.WhenAll(participants.Where(machine => machine != stayer).Select(machine => job.Cluster.OneAsync<PreparationLost>(machine)));
        var switched = await job.ReplaceLostAsync(job.First, to);

        switched.ShouldAllBe(done => done.ResumedStep == FailedStep && done.LostSteps == 0 && done.Connections == done.Planned);
        job.Cluster[job.Standby(0)].Session.Status.Phase.ShouldBe(SessionPhase.Warm);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_stayer_that_dies_with_all_votes_cast_lets_nobody_switch_and_the_leaver_stays(string layout)
    {
        await using var job = FailingJob.Create(layout, standbys: 2);
        var (stayer, leaver) = Roles(job);
        var given = job.After(job.First, 2, (leaver, job.Standby(0)));
        var to = job.After(job.First, 3, (stayer, job.Standby(1)));
        var gate = job.HoldBefore(FailedStep);
        job.Probes.DieAt(job.Cluster[stayer], FailedStep, StepPoint.BeforeCommit);
        job.Cluster.Start(job.First);
        await gate.ReachedAsync();
        await job.LetVoteAsync(given, job.Standby(0), gate);
        await job.ParkedAsync(1, job.Stayers(stayer));
        foreach (var machine in job.Stayers(stayer))
            await job.AbandonAsync(machine, given);
        var switched = await job.ReplaceLostAsync(job.First, to);

        switched.ShouldAllBe(done => done.ResumedStep == FailedStep && done.LostSteps == 0);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        job.Cluster.Nodes.SelectMany(node => node.Events.OfType<SwitchAgreed>()).ShouldAllBe(agreed => agreed.Generation == 3);
    }

    private static (string Stayer, string Leaver) Roles(FailingJob job) => (job.Machines[^2], job.Machines[^1]);
}
