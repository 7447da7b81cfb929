using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

/// <summary>Whole pipelines that move at once: their joiners are rehearsed as one sandbox, and only what crosses its boundary is answered from the record.</summary>
public class BatchMigrationTests
{
    private const int Steps = 150;
    private static readonly ModelShape Shape = new(Layers: 3, Width: 32, Heads: 2, Context: 8, Dropout: 0.1f);

    [Theory]
    [InlineData(2, 1, 1, false, false)]
    [InlineData(3, 1, 1, false, true)]
    [InlineData(2, 2, 2, false, false)]
    [InlineData(3, 1, 1, true, false)]
    [InlineData(2, 1, 2, true, true)]
    public async Task A_pipeline_that_moves_is_rehearsed_as_one_sandbox_on_the_record_of_its_boundary(int pp, int tp, int devices, bool sharded, bool warm)
    {
        var job = Job(dp: 2 * (devices / tp), pp, tp, devices, sharded);
        var (machines, stay, leave, join) = Machines(pp);
        await using var cluster = Cluster.Create(3 * pp, Steps, job: job);
        string[] members = [.. machines.Select(machine => leave.Contains(machine) ? join[Array.IndexOf(leave, machine)] : machine)];
        string[] everybody = [.. members, .. leave];
        var (from, to) = (cluster.Topology(1, machines), cluster.Topology(2, members));
        if (warm)
        {
            cluster[join[0]].Session.Submit(new WarmUpRequest("warm-up", cluster.Job, 1));
            cluster.Start(from);
            (await cluster.OneAsync<WarmUpDone>(join[0])).Shadow.Good.ShouldBeTrue();
        }
        else
        {
            cluster.Start(from);
            await cluster.OneAsync<StepDone>("m0");
        }

        cluster.Prepare(from, to, everybody);
        await cluster.AllAsync<PreparationDone>(everybody);
        foreach (var machine in join)
        {
            var shadow = (await cluster.OneAsync<PreparationDone>(machine)).Shadow!;
            var boundary = to.RanksOf(machine)
                .SelectMany(rank => StepRecord.Load(StepRecords.FolderOf(cluster.Job, rank)).Groups)
                .Where(group => group.Role == GroupRole.DataParallel).SelectMany(group => group.Calls).ToList();
            (shadow.Good, shadow.Reason, shadow.Calls).ShouldBe((true, null, boundary.Count));
            shadow.BytesAnswered.ShouldBe(boundary.Sum(call => (long)call.Output.Length));
        }

        cluster.Switch(to, leaverLost: false, everybody);
        var finished = await cluster.AllAsync<TrainingFinished>(members);
        (await cluster.AllAsync<SwitchDone>(members)).ShouldAllBe(done => done.Connections == done.Planned && done.LostSteps == 0);
        (await cluster.AllAsync<PreparationDone>(stay)).ShouldAllBe(done => done.DeviceBytes == 0);
        await LayoutMigrationTests.ShouldEqualReferenceAsync(cluster, job, machines.Length, Steps, finished);
    }

    [Fact]
    public async Task Stages_of_different_pipelines_and_a_part_of_one_are_rehearsed_alone()
    {
        var job = Job(dp: 2, pp: 2, tp: 1, devices: 1, sharded: false);
        await using var cluster = Cluster.Create(6, Steps, job: job);
        var from = cluster.Topology(1, "m0", "m1", "m2", "m3");
        foreach (var to in (Topology[])[cluster.Topology(2, "m0", "m4", "m5", "m3"), cluster.Topology(2, "m4", "m5", "m2", "m3"), cluster.Topology(2, "m4", "m1", "m2", "m3")])
        {
            var moves = from.Members.Zip(to.Members).Where(pair => pair.First != pair.Second).Select(pair => new MachineMove(pair.First.Machine, pair.Second.Machine)).ToList();
            moves.ShouldAllBe(move => ShadowBatch.Of(new PrepareRequest("", "", job, from, to, moves, true), move.Joiner) == null);
        }

        var whole = cluster.Topology(2, "m0", "m4", "m2", "m5");
        MachineMove[] both = [new("m1", "m4"), new("m3", "m5")];
        ShadowBatch.Of(new PrepareRequest("", "", job, from, whole, both, Expected: false), "m4").ShouldBeNull();
        var batch = ShadowBatch.Of(new PrepareRequest("", "", job, from, whole, both), "m5")!;
        (batch.Inside.Layout, batch.Inside.Members.Select(member => member.Machine), batch.Recorded.Order()).ShouldSatisfyAllConditions(
            found => found.Layout.ShouldBe(new ParallelLayout(1, 2)), found => found.Item2.ShouldBe(["m4", "m5"]), found => found.Item3.ShouldBe([0, 2]));
    }

    [Fact]
    public async Task A_batch_whose_machines_do_not_all_come_is_given_up_and_the_job_trains_on()
    {
        var job = Job(dp: 2, pp: 2, tp: 1, devices: 1, sharded: false);
        var (machines, _, _, join) = Machines(pp: 2);
        await using var cluster = Cluster.Create(6, Steps, job: job, deadlines: new CollectivesOptions { SetupDeadline = TimeSpan.FromSeconds(2) });
        var (from, to) = (cluster.Topology(1, machines), cluster.Topology(2, "m0", join[0], "m2", join[1]));
        cluster.Start(from);
        await cluster.OneAsync<StepDone>("m0");
        cluster.Prepare(from, to, join[0]);
        (await cluster.OneAsync<PreparationLost>(join[0])).Reason.ShouldContain("was not set up within 2 s");
        await LayoutMigrationTests.ShouldEqualReferenceAsync(cluster, job, machines.Length, Steps, await cluster.AllAsync<TrainingFinished>(machines));
    }

    [Fact]
    public async Task A_record_that_is_wrong_for_one_machine_ends_the_rehearsal_of_all()
    {
        var job = Job(dp: 2, pp: 2, tp: 1, devices: 1, sharded: false);
        var (machines, _, _, join) = Machines(pp: 2);
        await using var cluster = Cluster.Create(6, Steps, job: job);
        var (from, to) = (cluster.Topology(1, machines), cluster.Topology(2, "m0", join[0], "m2", join[1]));
        cluster.Start(from);
        await cluster.AllAsync<TrainingFinished>(machines);
        var folder = StepRecords.FolderOf(cluster.Job, to.RanksOf(join[1])[0]);
        var record = StepRecord.Load(folder);
        (record with { Seed = record.Seed + 1 }).Save(folder);

        cluster.Prepare(from, to, join);
        (await cluster.OneAsync<PreparationLost>(join[1])).Reason.ShouldContain("the record seed");
        (await cluster.OneAsync<PreparationLost>(join[0])).Reason.ShouldStartWith("The shadow iteration is not good");
    }

    // Of two data-parallel machines per stage the second ones leave: the second half of all pipelines.
    private static (string[] All, string[] Stay, string[] Leave, string[] Join) Machines(int pp)
    {
        string[] all = [.. Enumerable.Range(0, 2 * pp).Select(machine => $"m{machine}")];
        return (all, [.. all.Where((_, index) => index % 2 == 0)], [.. all.Where((_, index) => index % 2 == 1)], [.. Enumerable.Range(2 * pp, pp).Select(machine => $"m{machine}")]);
    }

    private static SessionJob Job(int dp, int pp, int tp, int devices, bool sharded) =>
        new("job", Shape, new TrainingRecipe(Seed: 42, Steps, BatchPerRank: 2) { MicroBatches = 2, ShardOptimizer = sharded }, "", "")
        {
            Layout = new ParallelLayout(dp, pp, tp),
            Devices = devices,
        };
}
