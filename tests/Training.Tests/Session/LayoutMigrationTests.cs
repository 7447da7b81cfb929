using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

/// <summary>Migrations of jobs in every layout: losses, final digests of every rank, and connections are those of the uninterrupted run and of the plan.</summary>
public class LayoutMigrationTests
{
    private const int Steps = 40;

    // While the job trains on: a migration must not come too late.
    private const int StepsToFollow = 250;
    private static readonly ModelShape Shape = new(Layers: 3, Width: 32, Heads: 2, Context: 8, Dropout: 0.1f);

    private readonly Probes _probes = new();

    public static TheoryData<int, int, int, bool> Layouts => new()
    {
        { 3, 1, 1, false },
        { 2, 2, 1, false },
        { 2, 1, 2, false },
        { 2, 2, 2, false },
        { 2, 2, 1, true },
        { 3, 1, 1, true },
        { 1, 3, 1, false },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task An_expected_migration_is_bit_identical_whether_the_joiner_follows_or_copies(int dp, int pp, int tp, bool sharded)
    {
        foreach (var following in (bool[])[false, true])
        {
            var job = Job(dp, pp, tp, sharded, following);
            await using var cluster = Cluster.Create((dp * pp) + 1, StepsToFollow, _probes.Watch, job);
            string[] machines = [.. Enumerable.Range(0, dp * pp).Select(machine => $"m{machine}")];
            var from = cluster.Topology(1, machines);
            var leaver = machines[^1];
            string[] members = [.. machines[..^1], $"m{machines.Length}"];
            var to = cluster.Topology(2, members);
            cluster.Start(from);
            await cluster.OneAsync<StepDone>("m0");
            cluster.Prepare(from, to, [.. members, leaver]);
            await cluster.AllAsync<PreparationDone>([.. members, leaver]);
            cluster.Switch(to, leaverLost: false, [.. members, leaver]);
            var finished = await cluster.AllAsync<TrainingFinished>(members);
            var switched = await cluster.AllAsync<SwitchDone>(members);
            switched.ShouldAllBe(done => done.Connections == done.Planned && done.LostSteps == 0);
            (await cluster.AllAsync<PreparationDone>(machines[..^1])).ShouldAllBe(done => done.DeviceBytes == 0);
            (switched[^1].FollowedBytes > 0).ShouldBe(following);
            foreach (var done in switched)
                ShouldCount(done, isJoiner: done == switched[^1], (await cluster.OneAsync<PreparationDone>(members[^1])).Shadow!.BytesAnswered);
            await ShouldEqualReferenceAsync(cluster, job, machines.Length, StepsToFollow, finished);
        }
    }

    [Theory]
    [InlineData(2, 1, 1)]
    [InlineData(3, 1, 1)]
    [InlineData(3, 2, 1)]
    public async Task The_pause_of_a_followed_sharded_optimizer_holds_at_most_what_the_last_step_changed(int dp, int pp, int tp)
    {
        var job = Job(dp, pp, tp, sharded: true, following: true);
        job = job with { Recipe = job.Recipe with { BucketBytes = int.MaxValue } };
        await using var cluster = Cluster.Create((dp * pp) + 1, StepsToFollow, _probes.Watch, job);
        string[] machines = [.. Enumerable.Range(0, dp * pp).Select(machine => $"m{machine}")];
        string[] members = [.. machines[..^1], $"m{machines.Length}"];
        string[] everybody = [.. machines, members[^1]];
        var (from, to) = (cluster.Topology(1, machines), cluster.Topology(2, members));
        cluster.Start(from);
        await cluster.OneAsync<StepDone>("m0");
        cluster.Prepare(from, to, everybody);
        await cluster.AllAsync<PreparationDone>(everybody);

        // All peers wait for a machine that is held, and the joiner has time to take what came before.
        var gate = _probes.HoldAt("m0", cluster["m0"].Session.Status.Step + 5);
        await gate.ReachedAsync();
        cluster.Switch(to, leaverLost: false, everybody);
        gate.Open();
        var finished = await cluster.AllAsync<TrainingFinished>(members);

        var joined = await cluster.OneAsync<SwitchDone>(members[^1]);
        var ranks = to.RanksOf(members[^1]).Select(rank => new ParameterLayout(new ByteGpt(Shape), job.Layout, job.Layout.PositionOf(rank)));
        joined.StateBytes.ShouldBeLessThanOrEqualTo(ranks.Sum(rank => (long)rank.FlatLength * sizeof(float)));
        await ShouldEqualReferenceAsync(cluster, job, machines.Length, StepsToFollow, finished);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task A_machine_that_dies_is_replaced_bit_for_bit_from_copies_or_from_the_checkpoint(int dp, int pp, int tp, bool sharded)
    {
        var job = Job(dp, pp, tp, sharded, following: true);
        await using var cluster = Cluster.Create((dp * pp) + 1, Steps, _probes.Watch, job);
        string[] machines = [.. Enumerable.Range(0, dp * pp).Select(machine => $"m{machine}")];
        var leaver = machines[pp > 1 ? dp : 1];
        string[] members = [.. machines.Select(machine => machine == leaver ? $"m{machines.Length}" : machine)];
        var (from, to) = (cluster.Topology(1, machines), cluster.Topology(2, members));
        cluster.Start(from);
        await cluster.OneAsync<StepDone>(leaver, step => step.Step == 4);
        cluster[leaver].Die();
        string[] stayers = [.. machines.Where(machine => machine != leaver)];
        await cluster.AllAsync<TrainingParked>(stayers);
        cluster.Prepare(from, to, expected: false, members);
        var finished = await cluster.AllAsync<TrainingFinished>(members);
        var switched = await cluster.AllAsync<SwitchDone>(members);
        switched.ShouldAllBe(done => done.Connections == done.Planned);
        var source = dp > 1 ? SessionStateSource.Peers : SessionStateSource.Checkpoint;
        switched.Single(done => done.Ranks.Contains(to.RanksOf($"m{machines.Length}")[0])).Source.ShouldBe(source);
        switched.ShouldAllBe(done => (done.LostSteps > 0) == (source == SessionStateSource.Checkpoint && done.Source == source && done.StateBytes == 0 && done.LostSteps > 0));
        await ShouldEqualReferenceAsync(cluster, job, machines.Length, Steps, finished);
    }

    [Fact]
    public async Task Without_a_copy_training_goes_on_from_the_newest_checkpoint_that_is_whole()
    {
        var job = Job(1, 3, 1, sharded: false, following: false) with { CheckpointEvery = 20 };
        await using var cluster = Cluster.Create(4, StepsToFollow, _probes.Watch, job);
        var (from, to) = (cluster.Topology(1, "m0", "m1", "m2"), cluster.Topology(2, "m0", "m3", "m2"));
        cluster.Start(from);
        await cluster.OneAsync<StepDone>("m1", step => step.Step == 60);
        cluster["m1"].Die();
        await cluster.AllAsync<TrainingParked>("m0", "m2");
        var newest = await NewestWrittenAsync(cluster.Job);
        await using (var file = File.OpenWrite(CheckpointStore.FileOf(cluster.Job, newest, rank: 1)))
            file.SetLength(file.Length / 2);
        var before = CheckpointStore.NewestWhole(cluster.Job);
        before.ShouldBeLessThan(newest);
        cluster.Prepare(from, to, expected: false, "m0", "m3", "m2");
        await cluster.AllAsync<PreparationDone>("m0", "m3", "m2");
        cluster.Switch(to, leaverLost: true, "m0", "m3", "m2");
        var finished = await cluster.AllAsync<TrainingFinished>("m0", "m3", "m2");
        (await cluster.AllAsync<SwitchDone>("m0", "m3", "m2")).ShouldAllBe(done => done.Source == SessionStateSource.Checkpoint && done.ResumedStep == before);
        await ShouldEqualReferenceAsync(cluster, job, 3, StepsToFollow, finished);
    }

    // Checkpoints are written in the background, by ranks that are parked as well.
    private static async Task<long> NewestWrittenAsync(SessionJob job)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (CheckpointStore.NewestWhole(job) != CheckpointStore.Steps(job)[0])
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        return CheckpointStore.NewestWhole(job);
    }

    private static SessionJob Job(int dp, int pp, int tp, bool sharded, bool following) =>
        new("job", Shape, new TrainingRecipe(Seed: 42, Steps, BatchPerRank: 2) { MicroBatches = pp > 1 ? 2 : 1, ShardOptimizer = sharded }, "", "")
        {
            Layout = new ParallelLayout(dp, pp, tp),
            Devices = tp,
            Techniques = new MigrationTechniques(Following: following),
        };

    internal static async Task ShouldEqualReferenceAsync(Cluster cluster, SessionJob job, int machines, int steps, IReadOnlyList<TrainingFinished> finished)
    {
        await using var undisturbed = Cluster.Create(machines, steps, job: job);
        string[] names = [.. Enumerable.Range(0, machines).Select(machine => $"m{machine}")];
        undisturbed.Start(undisturbed.Topology(1, names));
        var reference = await undisturbed.AllAsync<TrainingFinished>(names);
        finished.SelectMany(machine => machine.Digests).OrderBy(digest => digest.Rank).ShouldBe(reference.SelectMany(machine => machine.Digests).OrderBy(digest => digest.Rank));
        Losses(cluster["m0"]).ShouldBe(Losses(undisturbed["m0"]));
    }

    // After a return to a checkpoint steps are trained again; the last word on each counts.
    private static void ShouldCount(SwitchDone done, bool isJoiner, long answered)
    {
        var traffic = done.Traffic.ToDictionary(phase => phase.Phase, phase => phase.Bytes);
        traffic.Keys.ShouldBe(["preparation", "sandbox", "following", "state-transfer", "switch"]);
        traffic["sandbox"].ShouldBe(new Traffic(0, isJoiner ? answered : 0));
        traffic["following"].ShouldBe(new Traffic(0, done.FollowedBytes));
        traffic["state-transfer"].ShouldBe(new Traffic(0, done.StateBytes));
        // A joiner tells everybody that it holds the state, and a stayer may hear that before it comes to the boundary.
        (isJoiner ? traffic["switch"].Sent : traffic["preparation"].Received + traffic["switch"].Received).ShouldBeGreaterThan(0);
    }

    private static IReadOnlyList<uint> Losses(Cluster.Node node) => [.. node.Events.OfType<StepDone>().Where(step => step.Rank == 0)
        .GroupBy(step => step.Step).OrderBy(step => step.Key).Select(step => step.Select(done => BitConverter.SingleToUInt32Bits(done.Loss)).Distinct().Single())];
}
