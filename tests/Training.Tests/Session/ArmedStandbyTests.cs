using TrainMover.Collectives;
using TrainMover.Training.Session;
using TrainMover.Training.Tests.Session.Failures;

namespace TrainMover.Training.Tests.Session;

/// <summary>Members and a standby hold the plan for the loss of each member: nobody orders anything, and the job goes on as if nothing had happened.</summary>
public class ArmedStandbyTests
{
    private const long FailedStep = 6;
    private const int Arming = 2;

    [Theory]
    [InlineData("dp3", nameof(StepPoint.BeforeReduction))]
    [InlineData("dp3", nameof(StepPoint.AfterReduction))]
    [InlineData("dp3", nameof(StepPoint.AfterCommit))]
    [InlineData("dp3 zero", nameof(StepPoint.BeforeParameters))]
    [InlineData("dp2 pp2", nameof(StepPoint.AfterReduction))]
    [InlineData("dp2 tp2", nameof(StepPoint.AfterReduction))]
    public async Task Survivors_and_standby_carry_out_the_plan_that_they_hold(string layout, string point)
    {
        await using var job = FailingJob.Create(layout, standbys: 1);
        var gate = await StartArmedAsync(job);
        var to = Without(job, "m1");
        var opened = Opened();
        job.Probes.DieAt(job.Cluster["m1"], FailedStep, Enum.Parse<StepPoint>(point));
        gate.Open();

        var switched = await job.SwitchedAsync(to);
        Opened().ShouldBe(opened);
        switched.ShouldAllBe(done => done.LostSteps == 0 && done.DeviceBytes == 0 && done.Connections == done.Planned);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);

        // Data connections with the standby were made when it was armed.
        long[] Opened() => [.. to.Machines.Select(machine => job.Cluster[machine].Endpoint.DataConnectionsOpened)];
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task The_order_that_comes_afterwards_is_answered_with_all_that_was_done_and_does_nothing(bool prepare, bool change)
    {
        await using var job = FailingJob.Create("dp3", standbys: 1);
        var gate = await StartArmedAsync(job);
        job.Probes.DieAt(job.Cluster["m1"], FailedStep, StepPoint.AfterReduction);
        gate.Open();
        var to = Without(job, "m1");
        await job.SwitchedAsync(to);

        string[] members = [.. to.Machines];
        if (prepare)
            job.Cluster.Prepare(job.First, to, expected: false, members);
        if (change)
            job.Cluster.Switch(to, leaverLost: true, members);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        foreach (var machine in members)
        {
            var told = job.Cluster[machine].Events;
            told.OfType<PreparationDone>().Count(done => done.Generation == to.Generation).ShouldBe(2);
            told.OfType<SwitchAgreed>().Count(done => done.Generation == to.Generation).ShouldBe(2);
            told.OfType<SwitchDone>().Count(done => done.Generation == to.Generation).ShouldBe(2);
            told.OfType<RequestRefused>().ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task A_machine_that_only_one_member_lost_stays_until_the_control_plane_has_decided()
    {
        await using var job = FailingJob.Create("dp3", standbys: 1);
        await using var network = new Network(job.Cluster);
        var from = job.Cluster.Topology(1, [.. job.Machines]);
        var gate = await StartArmedAsync(job, from);
        job.Probes.At("m1", FailedStep, StepPoint.BeforeReduction, _ => network.Break("m0", "m1"));
        gate.Open();

        await job.ParkedAsync(1, "m0", "m1", "m2");
        job.Cluster.Nodes.SelectMany(node => node.Events).OfType<SwitchAgreed>().ShouldBeEmpty();

        // The order finds m0 prepared by itself, and the others not.
        var to = job.Without(from, Arming, "m1");
        job.Cluster.Prepare(from, to, expected: false, [.. to.Machines]);
        await job.SwitchedAsync(to);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Fact]
    public async Task Nobody_moves_when_two_are_lost_and_the_plan_for_both_is_carried_out_when_it_comes()
    {
        await using var job = FailingJob.Create("dp4", standbys: 2);
        var gate = await StartArmedAsync(job);
        // One that outlives the other by milliseconds takes part in the plan without it, and is not lost.
        using var both = new Barrier(2);
        foreach (var lost in (string[])["m1", "m2"])
            job.Probes.DieAt(job.Cluster[lost], FailedStep, StepPoint.AfterReduction, () => both.SignalAndWait(TimeSpan.FromSeconds(20)).ShouldBeTrue());
        gate.Open();

        await job.ParkedAsync(1, "m0", "m3");
        var to = job.After(job.First, Arming + 10, ("m1", job.Standby(0)), ("m2", job.Standby(1)));
        await job.ReplaceLostAsync(job.First, to);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Fact]
    public async Task A_member_that_leaves_in_order_is_not_lost()
    {
        await using var job = FailingJob.Create("dp3", standbys: 1);
        var gate = await StartArmedAsync(job);
        await job.Cluster["m1"].DisposeAsync();
        gate.Open();

        await job.ParkedAsync(1, "m0", "m2");
        var to = job.After(job.First, Arming + 10, ("m1", job.Standby(0)));
        await job.ReplaceLostAsync(job.First, to);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
        job.Cluster.Nodes.SelectMany(node => node.Events).ShouldAllBe(happened => happened.Generation != Without(job, "m1").Generation);
    }

    [Fact]
    public async Task Training_goes_on_without_a_word_when_the_standby_dies()
    {
        await using var job = FailingJob.Create("dp3", standbys: 1);
        var gate = await StartArmedAsync(job);
        job.Cluster[job.Standby(0)].Die();
        gate.Open();
        await job.ShouldEndLikeAnUndisturbedRunAsync(job.First);
        job.Cluster.Nodes.SelectMany(node => node.Events).OfType<TrainingParked>().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("m0", "m2", "m3")]
    [InlineData("m0", "m3")]
    [InlineData("m3")]
    [InlineData("m0", "m2")]
    [InlineData("m0", "m1", "m2")]
    [InlineData("m0", "m1")]
    [InlineData("m1", "m3")]
    public async Task A_member_that_is_lost_before_all_are_armed_is_replaced_by_the_plan_of_the_control_plane(params string[] armed)
    {
        await using var job = FailingJob.Create("dp3", standbys: 1);
        var gate = await job.StartWarmAsync(job.First, FailedStep - 1);
        job.Probes.DieAt(job.Cluster["m1"], FailedStep, StepPoint.AfterReduction);
        job.Cluster.Arm(job.First, job.Standby(0), Arming, armed);
        gate.Open();

        await job.ParkedAsync(1, "m0", "m2");
        var to = Without(job, "m1");
        await job.ReplaceLostAsync(job.First, to);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Fact]
    public async Task Nobody_is_armed_before_all_have_opened_their_part_of_the_plans()
    {
        await using var job = FailingJob.Create("dp3", standbys: 1);
        var gate = await job.StartWarmAsync(job.First, FailedStep - 1);
        job.Probes.DieAt(job.Cluster["m1"], FailedStep, StepPoint.AfterReduction);
        job.Cluster.Arm(job.First, job.Standby(0), Arming, "m0", "m2", job.Standby(0));
        // It connects with the standby, and opens nothing of the plans.
        job.Cluster.Arm(job.First, job.Standby(0), Arming, new MigrationTechniques(TwoPhaseGroups: false), "m1");
        gate.Open();

        await job.ParkedAsync(1, "m0", "m2");
        var to = Without(job, "m1");
        await job.ReplaceLostAsync(job.First, to);
        job.Cluster.Nodes.SelectMany(node => node.Events).OfType<StandbyArmed>().ShouldBeEmpty();
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Fact]
    public async Task A_plan_that_somebody_has_given_up_is_lost_at_once_and_the_next_one_is_carried_out()
    {
        var patient = new CollectivesOptions { SetupDeadline = TimeSpan.FromMinutes(5), JoinerPatience = TimeSpan.FromMinutes(5) };
        await using var job = FailingJob.Create("dp3", standbys: 1, deadlines: patient);
        var gate = await StartArmedAsync(job);
        var stuck = new Gate();
        job.Probes.At("m1", FailedStep, StepPoint.AfterReduction, _ => stuck.Pass());
        // It has another standby in mind, and parts from this one.
        job.Cluster.Arm(job.First, job.Standby(0), Arming + 10, "m0");
        gate.Open();
        await stuck.ReachedAsync();

        var held = Without(job, "m1");
        job.Cluster.Prepare(job.First, held, expected: false, [.. held.Machines]);
        await job.AbandonAsync("m2", held);
        foreach (var machine in (string[])["m0", job.Standby(0)])
            await job.DropAsync(machine, held);
        var to = job.After(job.First, Arming + 20, ("m1", job.Standby(0)));
        await job.ReplaceLostAsync(job.First, to);
        stuck.Open();
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    [Fact]
    public async Task A_plan_of_the_control_plane_makes_the_held_ones_void()
    {
        await using var job = FailingJob.Create("dp3", standbys: 2);
        var gate = await StartArmedAsync(job);
        var planned = job.After(job.First, Arming + 10, ("m2", job.Standby(1)));
        job.Cluster.Prepare(job.First, planned, "m0", "m1", "m2", job.Standby(1));
        await job.ReadyAsync(planned, "m0", "m1", "m2", job.Standby(1));
        job.Probes.DieAt(job.Cluster["m1"], FailedStep, StepPoint.AfterReduction);
        gate.Open();

        await job.ParkedAsync(1, "m0", "m2");
        var to = job.After(job.First, Arming + 11, ("m1", job.Standby(0)));
        await job.ReplaceLostAsync(job.First, to);
        await job.ShouldEndLikeAnUndisturbedRunAsync(to);
    }

    private static Topology Without(FailingJob job, string machine) => job.Without(job.First, Arming, machine);

    private static Task<Gate> StartArmedAsync(FailingJob job, Topology? from = null) => job.StartArmedAsync(from ?? job.First, FailedStep - 1, Arming);
}
