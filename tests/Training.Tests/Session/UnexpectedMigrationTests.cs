using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

public class UnexpectedMigrationTests
{
    private const int Steps = 10;
    private const long FailedStep = 4;

    private readonly Probes _probes = new();

    [Theory]
    [InlineData(nameof(StepPoint.BeforeReduction), FailedStep)]
    [InlineData(nameof(StepPoint.AfterReduction), FailedStep)]
    [InlineData(nameof(StepPoint.BeforeCommit), FailedStep)]
    [InlineData(nameof(StepPoint.AfterCommit), FailedStep + 1)]
    public async Task A_rank_that_dies_at_any_point_of_a_step_is_replaced_without_losing_a_step(string point, long resumedStep)
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        _probes.At("m1", FailedStep, Enum.Parse<StepPoint>(point), _ =>
        {
            Completed(cluster, resumedStep - 1, "m0", "m2");
            Die(cluster["m1"]);
        });
        var switched = await ReplaceLostAsync(cluster);

        switched.ShouldAllBe(done => done.ResumedStep == resumedStep && done.LostSteps == 0 && done.Connections == done.Planned);
        await AssertEqualsReferenceAsync(cluster);
    }

    [Fact]
    public async Task Survivors_that_missed_a_passed_commit_roll_forward()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        _probes.At("m1", FailedStep, StepPoint.AfterCommit, _ =>
            {
                Completed(cluster, FailedStep, "m2");
                Die(cluster["m1"]);
            })
            .At("m0", FailedStep, StepPoint.AfterCommit, group => group.Barrier());
        var switched = await ReplaceLostAsync(cluster);

        (await cluster.OneAsync<TrainingParked>("m0")).Step.ShouldBe(FailedStep);
        (await cluster.OneAsync<TrainingParked>("m2")).Step.ShouldBe(FailedStep + 1);
        switched.ShouldAllBe(done => done.ResumedStep == FailedStep + 1);
        await AssertEqualsReferenceAsync(cluster);
    }

    [Fact]
    public async Task A_leaver_that_dies_after_the_agreed_vote_is_replaced_at_the_agreed_boundary_by_the_warm_joiner()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        // The end of a boundary is told when training goes on: who waited for that would die late.
        using var committed = new CountdownEvent(2);
        foreach (var machine in (string[])["m0", "m2"])
            _probes.At(machine, FailedStep, StepPoint.AfterCommit, _ => committed.Signal());
        _probes.At("m1", FailedStep, StepPoint.AfterCommit, _ =>
        {
            committed.Wait(TimeSpan.FromSeconds(20)).ShouldBeTrue();
            Die(cluster["m1"]);
        });
        var gate = _probes.HoldAt("m0", FailedStep);
        cluster.Start(from);
        await gate.ReachedAsync();
        cluster.Prepare(from, to, "m0", "m1", "m2", "m3");
        await cluster.AllAsync<PreparationDone>("m0", "m1", "m2", "m3");
        cluster.Switch(to, leaverLost: false, "m0", "m1", "m2", "m3");
        gate.Open();
        await cluster.AllAsync<TrainingParked>("m0", "m2");
        cluster.Switch(to, leaverLost: true, "m0", "m2", "m3");

        (await cluster.AllAsync<SwitchAgreed>("m0", "m2", "m3")).ShouldAllBe(agreed => agreed.BoundaryStep == FailedStep + 1);
        (await cluster.AllAsync<SwitchDone>("m0", "m3", "m2")).ShouldAllBe(done => done.ResumedStep == FailedStep + 1);
        await AssertEqualsReferenceAsync(cluster);
    }

    [Fact]
    public async Task A_leaver_that_dies_after_preparation_turns_the_migration_into_an_unexpected_one_of_the_same_generation()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        _probes.At("m1", FailedStep, StepPoint.AfterReduction, _ => Die(cluster["m1"]));
        var gate = _probes.HoldAt("m0", FailedStep);
        cluster.Start(from);
        await gate.ReachedAsync();
        cluster.Prepare(from, to, "m0", "m1", "m2", "m3");
        await cluster.AllAsync<PreparationDone>("m0", "m1", "m2", "m3");
        gate.Open();
        await cluster.AllAsync<TrainingParked>("m0", "m2");
        cluster.Switch(to, leaverLost: true, "m0", "m2", "m3");

        (await cluster.AllAsync<SwitchDone>("m0", "m3", "m2")).ShouldAllBe(done => done.ResumedStep == FailedStep);
        await AssertEqualsReferenceAsync(cluster);
    }

    [Fact]
    public async Task A_parked_rank_names_the_suspect_and_keeps_its_state()
    {
        await using var cluster = Cluster.Create(3, Steps, _probes.Watch);
        _probes.At("m1", FailedStep, StepPoint.BeforeReduction, _ =>
        {
            Completed(cluster, FailedStep - 1, "m0", "m2");
            Die(cluster["m1"]);
        });
        cluster.Start(cluster.Topology(1, "m0", "m1", "m2"));
        var parked = await cluster.AllAsync<TrainingParked>("m0", "m2");
        parked.ShouldAllBe(stop => stop.SuspectMachine == "m1" && stop.Step == FailedStep);
        var status = cluster["m0"].Session.Status;
        (status.Phase, status.Job, status.Generation, status.Step, status.PreparedGeneration).ShouldBe((SessionPhase.Parked, "job", 1, FailedStep, null));
        status.Ranks.ShouldBe([0]);
    }

    [Fact]
    public async Task A_standby_that_was_warmed_up_allocates_nothing_when_it_joins()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        cluster["m3"].Session.Submit(new WarmUpRequest("warm-up", cluster.Job with { Layout = new TrainMover.Collectives.ParallelLayout(3) }, 1));
        _probes.At("m1", FailedStep, StepPoint.BeforeCommit, _ =>
        {
            cluster.OneAsync<WarmUpDone>("m3").GetAwaiter().GetResult().Shadow.Reason.ShouldBeNull();
            Die(cluster["m1"]);
        });
        await ReplaceLostAsync(cluster);
        (await cluster.OneAsync<PreparationDone>("m3")).DeviceBytes.ShouldBe(0);
        await AssertEqualsReferenceAsync(cluster);
    }

    // A ring passes a result on: whoever has it may die before its neighbours have it too.
    private static void Completed(Cluster cluster, long step, params string[] machines)
    {
        foreach (var machine in machines)
            cluster.OneAsync<StepDone>(machine, done => done.Step == step).GetAwaiter().GetResult();
    }

    // A dead process computes nothing more: its thread ends here.
    private static void Die(Cluster.Node node)
    {
        node.Die();
        throw new CollectiveException(new GroupFailure(FailureKind.Ordered, null, null, "This machine is dead.", 0));
    }

    private async Task<SwitchDone[]> ReplaceLostAsync(Cluster cluster)
    {
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        cluster.Start(from);
        await cluster.AllAsync<TrainingParked>("m0", "m2");
        _probes.Clear();
        cluster.Prepare(from, to, "m0", "m2", "m3");
        await cluster.AllAsync<PreparationDone>("m0", "m2", "m3");
        cluster.Switch(to, leaverLost: true, "m0", "m2", "m3");
        return await cluster.AllAsync<SwitchDone>("m0", "m3", "m2");
    }

    private static async Task AssertEqualsReferenceAsync(Cluster cluster)
    {
        var finished = await cluster.AllAsync<TrainingFinished>("m0", "m3", "m2");
        var reference = await Reference.RunAsync(Steps, 3);
        cluster["m0"].LossBits.ShouldBe(reference.LossBits);
        cluster["m2"].LossBits.ShouldBe(reference.LossBits);
        finished.ShouldAllBe(end => end.Digests[0].Digest == reference.Digest);
    }
}
