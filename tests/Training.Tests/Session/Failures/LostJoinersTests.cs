using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session.Failures;

/// <summary>A joiner that is lost before the first step on the new membership; another one takes its place, in a further generation.</summary>
public class LostJoinersTests
{
    private const long HeldAt = 3;

    public static TheoryData<string> Layouts => ["dp3", "dp2 pp2", "dp2 tp2", "dp3 zero"];

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_joiner_that_cannot_be_reached_is_given_up_and_the_next_one_joins_the_group_that_trained_on(string layout)
    {
        await using var job = FailingJob.Create(layout, standbys: 2);
        var (leaver, dead, joiner) = Roles(job);
        var (lost, to) = (job.After(job.First, 2, (leaver, dead)), job.After(job.First, 3, (leaver, joiner)));
        job.Cluster[dead].Die();
        var gate = job.Probes.HoldAt("m0", HeldAt);
        job.Cluster.Start(job.First);
        await gate.ReachedAsync();
        job.Cluster.Prepare(job.First, lost, [.. job.Machines]);
        foreach (var machine in job.Machines)
            job.Cluster[machine].Session.Submit(new AbortRequest("g2:abort", "g2", "job", 2, "The joiner does not answer."));
        await job.Cluster.AllAsync<MigrationDropped>([.. job.Machines]);
        await MoveAsync(job, to, joiner, gate);

        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        job.Cluster.Nodes.SelectMany(node => node.Events.OfType<TrainingParked>()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_joiner_that_dies_while_some_have_voted_takes_nobody_along_and_the_next_one_joins()
    {
        await using var job = FailingJob.Create("dp3", standbys: 2);
        var (leaver, dead, joiner) = Roles(job);
        var (lost, to) = (job.After(job.First, 2, (leaver, dead)), job.After(job.First, 3, (leaver, joiner)));
        var (gate, next, voted, late) = (job.HoldBefore(HeldAt), job.Probes.HoldAt("m0", HeldAt + 1), new Gate(), new Gate());
        job.Probes.At("m0", HeldAt, StepPoint.BeforeCommit, _ => voted.Pass()).At(leaver, HeldAt, StepPoint.AfterReduction, _ => late.Pass());
        job.Cluster.Start(job.First);
        await gate.ReachedAsync();
        await job.LetVoteAsync(lost, dead, gate);
        await Task.WhenAll(voted.ReachedAsync(), late.ReachedAsync());
        job.Cluster[dead].Die();
        await job.Cluster.OneAsync<PreparationLost>(leaver);
        voted.Open();
        late.Open();
        await next.ReachedAsync();
        await job.Cluster.AllAsync<PreparationLost>([.. job.Machines]);
        await MoveAsync(job, to, joiner, next);

        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        job.Cluster.Nodes.SelectMany(node => node.Events.OfType<SwitchAgreed>()).ShouldAllBe(agreed => agreed.Generation == 3);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_joiner_that_dies_when_the_switch_is_agreed_is_replaced_at_that_very_boundary(string layout)
    {
        await using var job = FailingJob.Create(layout, standbys: 2);
        var (leaver, dead, joiner) = Roles(job);
        var lost = job.After(job.First, 2, (leaver, dead));
        var to = job.After(lost, 3, (dead, joiner));
        var gate = job.HoldBefore(HeldAt);
        job.Probes.At(leaver, HeldAt, job.Committed, _ => job.Cluster[dead].Die());
        job.Cluster.Start(job.First);
        await gate.ReachedAsync();
        await job.LetVoteAsync(lost, dead, gate);
        await job.ParkedAsync(1, job.Stayers(leaver));
        var agreed = await job.Cluster.AllAsync<SwitchAgreed>(job.Stayers(leaver));
        agreed.ShouldAllBe(one => one.BoundaryStep == HeldAt + 1);
        var switched = await job.ReplaceLostAsync(lost, to);

        switched.ShouldAllBe(done => done.ResumedStep == HeldAt + 1 && done.LostSteps == 0);
        job.Cluster[leaver].Session.Status.Phase.ShouldBe(SessionPhase.Left);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_leaver_whose_joiner_dies_takes_its_ranks_back(string layout)
    {
        await using var job = FailingJob.Create(layout, standbys: 1);
        var (leaver, dead) = (job.Machines[^1], job.Standby(0));
        var lost = job.After(job.First, 2, (leaver, dead));
        var to = job.After(lost, 3, (dead, leaver));
        var gate = job.HoldBefore(HeldAt);
        job.Probes.At(leaver, HeldAt, job.Committed, _ => job.Cluster[dead].Die());
        job.Cluster.Start(job.First);
        await gate.ReachedAsync();
        await job.LetVoteAsync(lost, dead, gate);
        await job.ParkedAsync(1, job.Stayers(leaver));
        await job.ParkedAsync(1, leaver);
        SpinWait.SpinUntil(() => job.Cluster[leaver].Session.Status.Phase == SessionPhase.Left, TimeSpan.FromSeconds(10)).ShouldBeTrue();
        var switched = await job.ReplaceLostAsync(lost, to);

        switched.ShouldAllBe(done => done.ResumedStep == HeldAt + 1 && done.LostSteps == 0);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_joiner_that_dies_with_the_state_before_its_first_step_is_replaced_from_the_others(string layout)
    {
        await using var job = FailingJob.Create(layout, standbys: 2);
        var (leaver, dead, joiner) = Roles(job);
        var lost = job.After(job.First, 2, (leaver, dead));
        var to = job.After(lost, 3, (dead, joiner));
        var gate = job.HoldBefore(HeldAt);
        job.Probes.DieAt(job.Cluster[dead], 0, StepPoint.BeforeReduction);
        job.Cluster.Start(job.First);
        await gate.ReachedAsync();
        await job.LetVoteAsync(lost, dead, gate);
        await job.ParkedAsync(2, job.Stayers(leaver));
        var switched = await job.ReplaceLostAsync(lost, to);

        switched.ShouldAllBe(done => done.ResumedStep == HeldAt + 1 && done.LostSteps == 0);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_joiner_that_dies_while_the_survivors_of_another_failure_agree_is_replaced_too(string layout)
    {
        await using var job = FailingJob.Create(layout, standbys: 2);
        var (leaver, dead, joiner) = Roles(job);
        var lost = job.After(job.First, 2, (leaver, dead));
        job.Probes.DieAt(job.Cluster[leaver], HeldAt, StepPoint.BeforeReduction);
        job.Cluster.Start(job.First);
        var stayers = job.Stayers(leaver);
        await job.ParkedAsync(1, stayers);
        job.Cluster.Prepare(job.First, lost, expected: false, [.. stayers, dead]);
        await job.ReadyAsync(lost, [.. stayers, dead]);
        // The survivors are ordered to switch, the joiner dies instead of taking the state.
        job.Cluster.Switch(lost, leaverLost: true, stayers);
        job.Cluster[dead].Die();
        var agreed = await Task.WhenAll(stayers.Select(machine => job.WasAgreedAsync(machine, lost)));
        var (from, gone) = agreed.Any(each => each) ? (lost, dead) : (job.First, leaver);
        var to = job.After(from, 3, (gone, joiner));
        await job.ReplaceLostAsync(from, to);

        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    private static (string Leaver, string Dead, string Joiner) Roles(FailingJob job) => (job.Machines[^1], job.Standby(0), job.Standby(1));

    private static async Task MoveAsync(FailingJob job, Collectives.Topology to, string joiner, Gate gate)
    {
        await job.LetVoteAsync(to, joiner, gate);
        (await job.SwitchedAsync(to)).ShouldAllBe(done => done.LostSteps == 0 && done.Connections == done.Planned);
    }
}
