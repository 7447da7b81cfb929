using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

/// <summary>What each technique is for: with all of them the claim holds, without it the claim fails, and the migration is as right as ever.</summary>
public class TechniqueTests
{
    private const int Steps = 250;
    private static readonly ModelShape Shape = new(Layers: 2, Width: 32, Heads: 2, Context: 8, Dropout: 0.1f);

    [Fact]
    public async Task Two_phase_groups_keep_the_connections_between_stayers_and_without_them_all_are_made_anew()
    {
        var prepared = await MigrateAsync(new MigrationTechniques());
        var naive = await MigrateAsync(new MigrationTechniques(TwoPhaseGroups: false));

        prepared.StayersConnections.ShouldBe(new ConnectionCounts(Kept: 1, Inherited: 0, Removed: 1, Added: 1));
        naive.StayersConnections.ShouldBe(new ConnectionCounts(Kept: 0, Inherited: 0, Removed: 2, Added: 2));
        naive.PlanDigest.ShouldNotBe(prepared.PlanDigest);
    }

    [Fact]
    public async Task The_sandbox_allocates_and_runs_a_joiner_before_the_pause_and_without_it_the_joiner_comes_cold()
    {
        var warm = await MigrateAsync(new MigrationTechniques(Following: false));
        var cold = await MigrateAsync(new MigrationTechniques(Sandbox: false, Following: false));

        warm.Joiner.Shadow!.Good.ShouldBeTrue();
        warm.Joiner.DeviceBytes.ShouldBeGreaterThan(0);
        cold.Joiner.Shadow.ShouldBeNull();
        cold.Joiner.DeviceBytes.ShouldBe(0);
    }

    [Fact]
    public async Task Following_leaves_one_step_for_the_pause_and_without_it_the_whole_state_moves_in_it()
    {
        var followed = await MigrateAsync(new MigrationTechniques());
        var copied = await MigrateAsync(new MigrationTechniques(Following: false));

        copied.StateBytes.ShouldBe(copied.WholeState);
        followed.StateBytes.ShouldBeLessThan(followed.WholeState / 2);
    }

    [Fact]
    public async Task What_is_followed_takes_no_memory_of_its_own_and_outside_the_gradient_buffer_it_does()
    {
        var channel = await MigrateAsync(new MigrationTechniques());
        var own = await MigrateAsync(new MigrationTechniques(GradientBuffer: false));

        channel.JoinersBytes.ShouldBe(channel.Replica);
        own.JoinersBytes.ShouldBe(own.Replica + (own.WholeState / 3));
    }

    [Fact]
    public async Task A_job_without_any_technique_still_survives_a_machine_that_dies()
    {
        var job = Job(new MigrationTechniques(TwoPhaseGroups: false, Sandbox: false, Following: false));
        await using var cluster = Cluster.Create(4, 40, job: job);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        string[] members = ["m0", "m3", "m2"];
        cluster.Start(from);
        await cluster.OneAsync<StepDone>("m1", step => step.Step == 4);
        cluster["m1"].Die();
        await cluster.AllAsync<TrainingParked>("m0", "m2");
        cluster.Prepare(from, to, expected: false, members);
        await cluster.AllAsync<PreparationDone>(members);
        cluster.Switch(to, leaverLost: true, members);
        var finished = await cluster.AllAsync<TrainingFinished>(members);

        finished.SelectMany(machine => machine.Digests).Select(digest => digest.Digest).Distinct().Count().ShouldBe(1);
        (await cluster.AllAsync<SwitchDone>(members)).ShouldAllBe(done => done.Connections == done.Planned && done.LostSteps == 0);
    }

    private static SessionJob Job(MigrationTechniques techniques) =>
        new("job", Shape, new TrainingRecipe(Seed: 42, Steps, BatchPerRank: 2), "", "") { Layout = new ParallelLayout(3), Techniques = techniques };

    private static async Task<Outcome> MigrateAsync(MigrationTechniques techniques)
    {
        var job = Job(techniques);
        await using var cluster = Cluster.Create(4, Steps, job: job);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        string[] members = ["m0", "m3", "m2"];
        cluster.Start(from);
        await cluster.OneAsync<StepDone>("m0");
        cluster.Prepare(from, to, [.. members, "m1"]);
        var prepared = await cluster.AllAsync<PreparationDone>("m3", "m0", "m2", "m1");
        cluster.Switch(to, leaverLost: false, [.. members, "m1"]);
        var finished = await cluster.AllAsync<TrainingFinished>(members);
        var done = await cluster.AllAsync<SwitchDone>(members);

        finished.SelectMany(machine => machine.Digests).Select(digest => digest.Digest).Distinct().Count().ShouldBe(1);
        done.ShouldAllBe(one => one.Connections == one.Planned && one.LostSteps == 0);
        using var replica = job.CreateReplica(0);
        return new Outcome(done[0].Connections, prepared[0], prepared[0].DeviceBytes + done[1].DeviceBytes, replica.Bytes, done[1].StateBytes, 3L * sizeof(float) * replica.Layout.FlatLength);
    }

    // A state is parameters and two moments, each as long as the gradients.
    private sealed record Outcome(ConnectionCounts StayersConnections, PreparationDone Joiner, long JoinersBytes, long Replica, long StateBytes, long WholeState)
    {
        public string PlanDigest => Joiner.PlanDigest;
    }
}
