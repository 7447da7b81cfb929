using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

public class ExpectedMigrationTests
{
    private const int Steps = 10;
    private const long HeldAt = 3;

    private readonly Probes _probes = new();

    [Fact]
    public async Task The_joiner_takes_over_at_one_boundary_and_the_run_equals_the_uninterrupted_one_bit_for_bit()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        var gate = _probes.HoldAt("m0", HeldAt);
        cluster.Start(from);
        await gate.ReachedAsync();
        cluster.Prepare(from, to, "m0", "m1", "m2", "m3");
        var ready = await cluster.AllAsync<PreparationDone>("m0", "m1", "m2", "m3");
        cluster.Switch(to, leaverLost: false, "m0", "m1", "m2", "m3");
        gate.Open();
        var finished = await cluster.AllAsync<TrainingFinished>("m0", "m3", "m2");

        ready.Select(done => done.PlanDigest).Distinct().Count().ShouldBe(1);
        ready[3].Shadow.ShouldNotBeNull().Good.ShouldBeTrue();
        ready.Take(3).ShouldAllBe(done => done.DeviceBytes == 0);
        (await cluster.AllAsync<SwitchAgreed>("m0", "m1", "m2", "m3")).ShouldAllBe(agreed => agreed.BoundaryStep == HeldAt + 1);
        cluster["m1"].Session.Status.Phase.ShouldBe(SessionPhase.Left);
        var reference = await Reference.RunAsync(Steps, 3);
        cluster["m0"].LossBits.ShouldBe(reference.LossBits);
        cluster["m3"].LossBits.ShouldBe(reference.LossBits.Skip((int)HeldAt + 1));
        finished.ShouldAllBe(end => end.Digests[0].Digest == reference.Digest);
    }

    [Fact]
    public async Task The_switch_changes_exactly_the_planned_connections_and_says_where_its_time_went()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        await RunToSwitchAsync(cluster, from, to);
        var switched = await cluster.AllAsync<SwitchDone>("m0", "m3", "m2");

        switched.ShouldAllBe(done => done.Connections == done.Planned && done.LostSteps == 0 && done.ResumedStep == HeldAt + 1);
        switched.ShouldAllBe(done => done.ResumedMonotonicNs >= done.StoppedMonotonicNs);
        switched[0].Phases.Select(phase => phase.Name).ShouldBe(["state-transfer", "connections", "first-compute"]);
        // Nobody computes before all have switched.
        switched.Min(done => done.ResumedMonotonicNs).ShouldBeGreaterThanOrEqualTo(switched.Max(done => done.Phases.Single(phase => phase.Name == "connections").EndMonotonicNs));
        (switched[0].StateBytes, switched[2].StateBytes).ShouldBe((0, 0));
        switched[1].StateBytes.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task An_abort_before_the_agreement_leaves_training_unharmed_and_later_votes_are_refused()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        var gate = _probes.HoldAt("m0", HeldAt);
        cluster.Start(from);
        await gate.ReachedAsync();
        cluster.Prepare(from, to, "m0", "m1", "m2", "m3");
        await cluster.AllAsync<PreparationDone>("m0", "m1", "m2", "m3");
        foreach (var machine in (string[])["m0", "m1", "m2", "m3"])
            cluster[machine].Session.Submit(new AbortRequest("g2:abort", "g2", "job", 2, "changed our mind"));
        await cluster.AllAsync<MigrationDropped>("m0", "m1", "m2", "m3");
        cluster.Switch(to, leaverLost: false, "m0", "m1", "m2", "m3");
        await cluster.AllAsync<RequestRefused>("m0", "m1", "m2", "m3");
        gate.Open();
        var finished = await cluster.AllAsync<TrainingFinished>("m0", "m1", "m2");

        var reference = await Reference.RunAsync(Steps, 3);
        cluster["m1"].LossBits.ShouldBe(reference.LossBits);
        finished.ShouldAllBe(end => end.Digests[0].Digest == reference.Digest && end.Generation == 1);
        cluster["m3"].Session.Status.Phase.ShouldBe(SessionPhase.Warm);
        cluster["m0"].Events.OfType<SwitchAgreed>().ShouldBeEmpty();
    }

    [Fact]
    public async Task One_withheld_vote_is_enough_to_stay()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        var gate = _probes.HoldAt("m0", HeldAt);
        cluster.Start(from);
        await gate.ReachedAsync();
        cluster.Prepare(from, to, "m0", "m1", "m2", "m3");
        await cluster.AllAsync<PreparationDone>("m0", "m1", "m2", "m3");
        cluster.Switch(to, leaverLost: false, "m0", "m1", "m3");
        gate.Open();
        var finished = await cluster.AllAsync<TrainingFinished>("m0", "m1", "m2");
        finished.ShouldAllBe(end => end.Generation == 1);
        cluster["m1"].Events.OfType<SwitchAgreed>().ShouldBeEmpty();
    }

    [Fact]
    public async Task An_abort_after_the_agreement_is_refused_and_the_switch_goes_on()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        _probes.At("m2", HeldAt, StepPoint.AfterCommit, _ => cluster["m2"].Session.Submit(new AbortRequest("g2:abort", "g2", "job", 2, "too late")));
        await RunToSwitchAsync(cluster, from, to);

        (await cluster.OneAsync<RequestRefused>("m2")).RequestId.ShouldBe("g2:abort");
        var finished = await cluster.AllAsync<TrainingFinished>("m0", "m3", "m2");
        finished.ShouldAllBe(end => end.Generation == 2);
        cluster["m2"].Events.OfType<MigrationDropped>().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_corrupted_record_ends_the_preparation_and_the_old_group_trains_on()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        var gate = _probes.HoldAt("m0", HeldAt);
        cluster.Start(from);
        await gate.ReachedAsync();
        (await cluster.OneAsync<FirstStepRecorded>("m0")).Failure.ShouldBeNull();
        var largest = Directory.EnumerateFiles(Path.GetDirectoryName(StepRecords.FolderOf(cluster.Job, rank: 0))!, "*", SearchOption.AllDirectories).MaxBy(file => new FileInfo(file).Length)!;
        var bytes = await File.ReadAllBytesAsync(largest);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(largest, bytes);
        cluster.Prepare(from, to, "m0", "m1", "m2", "m3");
        (await cluster.OneAsync<PreparationLost>("m3")).Reason.ShouldContain("shadow iteration is not good: Record");
        gate.Open();
        var finished = await cluster.AllAsync<TrainingFinished>("m0", "m1", "m2");
        finished.ShouldAllBe(end => end.Digests[0].Digest == finished[0].Digests[0].Digest && end.Generation == 1);
    }

    [Fact]
    public async Task A_joiner_that_dies_in_preparation_leaves_the_old_group_unharmed()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        var gate = _probes.HoldAt("m0", HeldAt);
        cluster.Start(from);
        await gate.ReachedAsync();
        cluster.Prepare(from, to, "m0", "m1", "m2", "m3");
        await cluster.AllAsync<PreparationDone>("m0", "m1", "m2", "m3");
        cluster["m3"].Die();
        await cluster.AllAsync<PreparationLost>("m0", "m1", "m2");
        cluster.Switch(to, leaverLost: false, "m0", "m1", "m2");
        gate.Open();
        var finished = await cluster.AllAsync<TrainingFinished>("m0", "m1", "m2");
        var reference = await Reference.RunAsync(Steps, 3);
        finished.ShouldAllBe(end => end.Digests[0].Digest == reference.Digest && end.Generation == 1);
    }

    [Fact]
    public async Task A_repeated_request_is_answered_again_and_an_older_generation_is_refused()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        await RunToSwitchAsync(cluster, from, to);
        await cluster.AllAsync<TrainingFinished>("m0", "m3", "m2");
        cluster.Prepare(from, to, "m2");
        cluster.Switch(from, leaverLost: false, "m2");
        var refused = await cluster.OneAsync<RequestRefused>("m2");
        refused.Generation.ShouldBe(1);
        refused.Reason.ShouldContain("not newer");
        cluster["m2"].Events.OfType<PreparationDone>().Count().ShouldBe(2);
        cluster["m2"].Events.OfType<SwitchDone>().Count().ShouldBe(1);
        cluster.Prepare(to, from, "m2");
        (await cluster.OneAsync<RequestRefused>("m2", other => other.RequestId == "g1:prepare")).Reason.ShouldContain("Generation 1 is not newer than the current one, 2");
    }

    [Fact]
    public async Task A_refused_request_is_judged_anew_when_it_comes_again()
    {
        await using var cluster = Cluster.Create(4, Steps, _probes.Watch);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        cluster.Prepare(from, to, "m0");
        (await cluster.OneAsync<RequestRefused>("m0")).Reason.ShouldContain("no groups to prepare");
        await RunToSwitchAsync(cluster, from, to);
        (await cluster.AllAsync<TrainingFinished>("m0", "m3", "m2")).ShouldAllBe(end => end.Generation == 2);
    }

    private async Task RunToSwitchAsync(Cluster cluster, Topology from, Topology to)
    {
        string[] everybody = [.. from.Members.Union(to.Members).Select(member => member.Machine).Distinct()];
        var gate = _probes.HoldAt("m0", HeldAt);
        cluster.Start(from);
        await gate.ReachedAsync();
        cluster.Prepare(from, to, everybody);
        await cluster.AllAsync<PreparationDone>(everybody);
        cluster.Switch(to, leaverLost: false, everybody);
        gate.Open();
    }
}
