using TrainMover.Collectives;
using TrainMover.Training.Session;
using TrainMover.Training.Tests.Session.Failures;

namespace TrainMover.Training.Tests.Session;

/// <summary>An armed standby follows a member before anybody is lost: whoever of its role is lost, no state moves in the pause.</summary>
public class HotStandbyTests
{
    private const long ArmedStep = 3;
    private const long FailedStep = 7;
    private const int Arming = 2;

    [Theory]
    [InlineData("dp3", "m1", "m2", nameof(StepPoint.BeforeReduction))]
    [InlineData("dp3", "m1", "m2", nameof(StepPoint.AfterReduction))]
    [InlineData("dp3", "m1", "m2", nameof(StepPoint.AfterCommit))]
    [InlineData("dp3 overlap mb2", "m1", "m2", nameof(StepPoint.BeforeReduction))]
    [InlineData("dp2 pp2", "m2", "m3", nameof(StepPoint.AfterReduction))]
    [InlineData("dp2 pp2", "m2", "m3", nameof(StepPoint.AfterJobCommit))]
    [InlineData("dp2 tp2", "m0", "m1", nameof(StepPoint.AfterReduction))]
    public async Task No_state_moves_in_the_pause_when_a_like_of_the_followed_member_is_lost(string layout, string lost, string followed, string point)
    {
        await using var job = FailingJob.Create(layout, standbys: 1);
        var gate = await StartHotAsync(job, followed);
        var joiner = await LoseAsync(job, gate, lost, Enum.Parse<StepPoint>(point));

        joiner.Source.ShouldBe(SessionStateSource.Peers);
        joiner.FollowedBytes.ShouldBeGreaterThanOrEqualTo(WholeState(job, lost));
        joiner.StateBytes.ShouldBeLessThan(WholeState(job, lost) / 2);
    }

    [Theory]
    [InlineData("dp3", "m2", "m2", true)]
    [InlineData("dp2 pp2", "m1", "m3", true)]
    [InlineData("dp3", "m1", null, false)]
    [InlineData("dp3 zero", "m1", null, true)]
    public async Task The_state_is_copied_where_the_followed_member_itself_is_lost_or_another_role_or_nobody_is_followed(string layout, string lost, string? followed, bool hotStandby)
    {
        await using var job = FailingJob.Create(layout, standbys: 1, hotStandby: hotStandby);
        var gate = await StartHotAsync(job, followed);
        var joiner = await LoseAsync(job, gate, lost, StepPoint.AfterReduction);

        joiner.FollowedBytes.ShouldBe(0);
        joiner.StateBytes.ShouldBe(WholeState(job, lost));
    }

    [Theory]
    [InlineData("m1", 0)]
    [InlineData("m1", 1)]
    [InlineData("m2", 0)]
    [InlineData("m2", 1)]
    public async Task An_expected_migration_of_whichever_member_to_whichever_standby_follows_its_leaver(string leaver, int joiner)
    {
        await using var job = FailingJob.Create("dp3", standbys: 2, following: true);
        var gate = await StartHotAsync(job, "m2");
        var to = job.After(job.First, Arming + 10, (leaver, job.Standby(joiner)));
        string[] participants = [.. job.Machines, job.Standby(joiner)];
        job.Cluster.Prepare(job.First, to, participants);
        gate.Open();
        await job.ReadyAsync(to, participants);
        job.Cluster.Switch(to, leaverLost: false, participants);
        var switched = await job.SwitchedAsync(to);

        switched.ShouldAllBe(done => done.LostSteps == 0 && done.DeviceBytes == 0 && done.Connections == done.Planned);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Theory]
    [InlineData("dp3", "m1", "m2", true)]
    [InlineData("dp2 pp2", "m2", "m3", false)]
    public async Task A_standby_that_is_warmed_up_again_follows_on_in_its_only_role_and_stops_where_another_role_takes_its_memory(string layout, string lost, string followed, bool followsOn)
    {
        await using var job = FailingJob.Create(layout, standbys: 1);
        var gate = await StartHotAsync(job, followed);
        var standby = job.Standby(0);
        var first = await job.Cluster.OneAsync<WarmUpDone>(standby);
        job.Cluster[standby].Session.Submit(new WarmUpRequest("again", job.Cluster.Job with { Layout = job.First.Layout }, 1));
        (await job.Cluster.OneAsync<WarmUpDone>(standby, done => !ReferenceEquals(done, first))).Shadow.Reason.ShouldBeNull();
        var joiner = await LoseAsync(job, gate, lost, StepPoint.AfterReduction);

        var whole = WholeState(job, lost);
        joiner.FollowedBytes.ShouldBeInRange(followsOn ? whole : 0, followsOn ? long.MaxValue : 0);
        joiner.StateBytes.ShouldBeInRange(followsOn ? 0 : whole, followsOn ? whole / 2 : whole);
    }

    private static long WholeState(FailingJob job, string machine)
    {
        using var replica = job.Cluster.Job.CreateReplica(job.First.RanksOf(machine)[0]);
        return job.First.RanksOf(machine).Count * (replica.Bytes - replica.GradientRegion.Length);
    }

    // Following begins with the update after the arming; the gate holds the job when the standby is a replica.
    private static async Task<Gate> StartHotAsync(FailingJob job, string? followed)
    {
        var armed = await job.StartArmedAsync(job.First, ArmedStep, Arming);
        var gate = job.HoldBefore(FailedStep - 1);
        armed.Open();
        await gate.ReachedAsync();
        if (followed is not null)
            (await job.Cluster.OneAsync<FollowerCaughtUp>(followed)).Standby.ShouldBe(job.Standby(0));
        return gate;
    }

    private static async Task<SwitchDone> LoseAsync(FailingJob job, Gate gate, string lost, StepPoint point)
    {
        job.Probes.DieAt(job.Cluster[lost], FailedStep, point);
        gate.Open();
        var to = job.Without(job.First, Arming, lost);
        var switched = await job.SwitchedAsync(to);
        switched.ShouldAllBe(done => done.LostSteps == 0 && done.DeviceBytes == 0 && done.Connections == done.Planned);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        return switched[to.Machines.ToList().IndexOf(job.Standby(0))];
    }
}
