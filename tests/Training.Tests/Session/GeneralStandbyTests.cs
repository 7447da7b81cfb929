using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

/// <summary>A standby of a pipeline has run every role once, keeps the middle one, and takes only what another role has more.</summary>
public class GeneralStandbyTests
{
    private const int Steps = 40;
    private static readonly ModelShape Shape = new(Layers: 3, Width: 32, Heads: 2, Context: 8, Dropout: 0.1f);

    private readonly Probes _probes = new();

    [Theory]
    [InlineData(0, 3, false)]
    [InlineData(1, 3, false)]
    [InlineData(2, 3, false)]
    [InlineData(0, 3, true)]
    [InlineData(1, 2, false)]
    public async Task A_standby_promoted_to_a_stage_allocates_exactly_the_bytes_of_the_layers_that_it_does_not_hold(int stage, int stages, bool sharded)
    {
        var job = new SessionJob("job", Shape, new TrainingRecipe(Seed: 42, Steps, BatchPerRank: 2) { MicroBatches = 2, ShardOptimizer = sharded }, "", "") { Layout = new ParallelLayout(2, stages) };
        await using var cluster = Cluster.Create(job.Layout.Size + 1, Steps, _probes.Watch, job);
        string[] machines = [.. Enumerable.Range(0, job.Layout.Size).Select(machine => $"m{machine}")];
        var leaver = machines[job.Layout.RankAt(new RankPosition(1, stage, 0))];
        var standby = $"m{machines.Length}";
        string[] members = [.. machines.Select(machine => machine == leaver ? standby : machine)];
        var (from, to) = (cluster.Topology(1, machines), cluster.Topology(2, members));
        var gate = _probes.HoldAt("m0", step: 5);
        cluster.Start(from);
        cluster[standby].Session.Submit(new WarmUpRequest("warm-up", cluster.Job, 1));
        var warm = await cluster.OneAsync<WarmUpDone>(standby);
        int[][] roles = stages == 3 ? [[0], [4], [2]] : [[0], [2]];
        warm.Roles.Select(role => role.Ranks).ShouldBe(roles);
        warm.Roles.ShouldAllBe(role => role.Shadow.Good && role.Shadow.Calls > 0);

        await gate.ReachedAsync();
        cluster[leaver].Die();
        gate.Open();
        await cluster.AllAsync<TrainingParked>([.. machines.Where(machine => machine != leaver)]);
        cluster.Prepare(from, to, expected: false, members);
        var promoted = await cluster.OneAsync<PreparationDone>(standby);
        promoted.DeviceBytes.ShouldBe(BytesOfLayersBeyond(job, kept: Math.Min(1, stages - 1), stage));
        promoted.Shadow.ShouldBe(warm.Roles.Single(role => job.Layout.PositionOf(role.Ranks[0]).Pp == stage).Shadow);

        await cluster.AllAsync<PreparationDone>(members);
        cluster.Switch(to, leaverLost: true, members);
        var finished = await cluster.AllAsync<TrainingFinished>(members);
        await LayoutMigrationTests.ShouldEqualReferenceAsync(cluster, job, machines.Length, Steps, finished);
    }

    [Fact]
    public void A_replica_in_the_memory_of_another_role_takes_only_what_it_lacks_and_shares_the_rest()
    {
        var layout = new ParallelLayout(1, 3);
        var meter = new DeviceMeter();
        var (model, recipe) = (new ByteGpt(Shape), TinyJob.Recipe);
        var middle = new Replica(model, recipe, layout, new RankPosition(0, 1, 0), new ReplicaMemory(1 << 16, meter));
        var (held, address) = (middle.Bytes, middle.ParameterRegion.Address);
        meter.Allocated.ShouldBe(held);
        using var first = new Replica(model, recipe, layout, default, middle.Vacate());

        first.ParameterRegion.Address.ShouldBe(address);
        meter.Allocated.ShouldBe(first.Bytes);
        meter.Held(MemoryOwner.Parameters).ShouldBe(first.ParameterRegion.Length);
        first.Bytes.ShouldBeGreaterThan(held);
        first.Gradients.ToArray().ShouldAllBe(value => value == 0f);
    }

    [Fact]
    public void A_replica_that_needs_more_than_was_reserved_gets_buffers_of_its_own_and_gives_the_old_ones_back()
    {
        var layout = new ParallelLayout(1, 3);
        var meter = new DeviceMeter();
        var middle = new Replica(new ByteGpt(Shape), TinyJob.Recipe, layout, new RankPosition(0, 1, 0), new ReplicaMemory(meter: meter));
        var held = middle.Bytes;
        var first = new Replica(new ByteGpt(Shape), TinyJob.Recipe, layout, default, middle.Vacate());

        meter.Allocated.ShouldBe(held + first.Bytes);
        Enum.GetValues<MemoryOwner>().Sum(meter.Held).ShouldBe(first.Bytes);
        first.Dispose();
        Enum.GetValues<MemoryOwner>().Sum(meter.Held).ShouldBe(0);
    }

    // Stages of one layer each (of two stages the last has two): parameters, gradients and two moments of what the kept one lacks; a shard has its part of the moments, and its neighbour's.
    private static long BytesOfLayersBeyond(SessionJob job, int kept, int stage)
    {
        var model = new ByteGpt(Shape);
        var own = new ParameterLayout(model, job.Layout, new RankPosition(0, kept, 0)).Slots.Select(slot => LayerOf(slot, kept)).ToHashSet(StringComparer.Ordinal);
        var beyond = new ParameterLayout(model, job.Layout, new RankPosition(0, stage, 0)).Slots.Where(slot => !own.Contains(LayerOf(slot, stage)));
        return beyond.Sum(slot => (slot.Count + 15L) / 16 * 16) * 4 * sizeof(float);

        string LayerOf(ParameterSlot slot, int of) => slot.Name.Replace($"blocks.{of}.", "block.", StringComparison.Ordinal);
    }
}
