using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>ZeRO-1: moments are held in parts, and nothing else changes.</summary>
public sealed class ShardedOptimizerTests
{
    private static readonly ModelShape Shape = new(Layers: 2, Width: 32, Heads: 2, Context: 16, Dropout: 0.1f);
    private static readonly TrainingRecipe Recipe = new(Seed: 5, Steps: 5, BatchPerRank: 2, LearningRate: 1e-3f, WarmupSteps: 2, ClipNorm: 0.5f) { OverlapReduction = true };

    [Theory]
    [InlineData(2, 1, 1)]
    [InlineData(3, 1, 1)]
    [InlineData(4, 1, 1)]
    [InlineData(3, 2, 1)]
    [InlineData(2, 2, 2)]
    public void A_sharded_optimizer_trains_to_the_same_bits_as_a_whole_one(int dp, int pp, int tp)
    {
        var layout = new ParallelLayout(dp, pp, tp);

        var whole = TrainedModel.Run(Shape, Recipe, layout);
        var sharded = TrainedModel.Run(Shape, Recipe with { ShardOptimizer = true }, layout);

        sharded.Losses.ShouldBe(whole.Losses);
        foreach (var (name, values) in whole.Parameters)
            sharded.Parameters[name].ShouldBe(values, name);
        foreach (var (name, copies) in sharded.Copies)
            copies.Distinct().ShouldBe(whole.Copies[name].Distinct(), name);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void The_second_copy_of_the_moments_is_bit_equal_to_the_owners_and_the_parts_add_up(int dp)
    {
        var layout = new ParallelLayout(dp, Pp: 2);
        var moments = new string[layout.Size];
        var backups = new string?[layout.Size];
        var held = new int[layout.Size];
        TrainedModel.Run(new ByteGpt(Shape), Recipe with { ShardOptimizer = true }, layout, TinyJob.Text, replica =>
        {
            var rank = layout.RankAt(replica.Position);
            moments[rank] = replica.DigestOfMoments();
            backups[rank] = replica.DigestOfBackup();
            held[rank] = replica.FirstMoment.Length;
            replica.FirstMoment.ToArray().Count(value => value != 0f).ShouldBeGreaterThan(held[rank] / 2);
        });

        for (var rank = 0; rank < layout.Size; rank++)
        {
            var at = layout.PositionOf(rank);
            backups[rank].ShouldBe(moments[layout.RankAt(at with { Dp = (at.Dp + dp - 1) % dp })]);
        }

        for (var stage = 0; stage < 2; stage++)
            held.Skip(stage * dp).Take(dp).Sum().ShouldBe(new ParameterLayout(new ByteGpt(Shape), layout, new RankPosition(0, stage, 0)).FlatLength);
    }

    [Fact]
    public void A_rank_that_is_lost_comes_back_from_its_successors_copy_and_nothing_differs()
    {
        var layout = new ParallelLayout(3);
        var recipe = Recipe with { ShardOptimizer = true };
        var expected = TrainedModel.Run(Shape, recipe, layout).Digests;
        var replicas = new Replica[3];
        Ranks.Run(ThreadGroups.Of(layout), own =>
        {
            replicas[own.Rank] = new Replica(Shape, recipe, layout, own.Position);
            Train(replicas[own.Rank], own, until: 2);
        });

        var lost = replicas[1];
        replicas[1] = new Replica(Shape, recipe, layout, new RankPosition(1, 0, 0)) { Step = 2 };
        lost.Dispose();
        replicas[2].ParameterData.CopyTo(replicas[1].ParameterData);
        Copy(replicas[2].BackupMomentRegions, replicas[1].MomentRegions);
        var digests = new string[3];
        Ranks.Run(ThreadGroups.Of(layout), own =>
        {
            var replica = replicas[own.Rank];
            replica.RefreshBackup(own);
            Train(replica, own, recipe.Steps);
            digests[own.Rank] = replica.Digest();
            replica.Dispose();
        });

        digests.ShouldBe(expected);
    }

    [Fact]
    public void Parameters_that_were_not_gathered_before_a_failure_are_gathered_after_it()
    {
        var layout = new ParallelLayout(2);
        var recipe = Recipe with { ShardOptimizer = true };
        var expected = TrainedModel.Run(Shape, recipe, layout).Digests;
        var digests = new string[2];
        var next = ThreadGroups.Of(layout);
        Ranks.Run(ThreadGroups.Of(layout), own =>
        {
            using var replica = new Replica(Shape, recipe, layout, own.Position);
            Train(replica, own, until: 2);
            StepProtocol.ReduceGradients(replica, TinyJob.Text, own);
            var verdict = StepProtocol.Commit(new StepCommit(replica, own));
            replica.ApplyUpdate(2, verdict.Norm, 2);
            own.Fail("lost between update and gathering");
            Should.Throw<CollectiveException>(() => replica.GatherParameters(own));
            replica.AwaitsParameters.ShouldBeTrue();

            Train(replica, next[own.Rank], recipe.Steps);
            digests[own.Rank] = replica.Digest();
        });

        digests.ShouldBe(expected);
    }

    [Fact]
    public void Training_resumed_from_the_checkpoints_of_all_shards_is_bit_identical()
    {
        using var folder = new TemporaryFolder();
        var layout = new ParallelLayout(Dp: 2, Pp: 2);
        var recipe = Recipe with { ShardOptimizer = true };
        var expected = TrainedModel.Run(Shape, recipe, layout).Digests;
        Ranks.Run(ThreadGroups.Of(layout), own =>
        {
            using var replica = new Replica(Shape, recipe, layout, own.Position);
            Train(replica, own, until: 3);
            Checkpoint.Save(folder[FileOf(own.Position)], replica, "job");
        });
        Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order().ShouldBe(
            ["last.pp0.dp0.safetensors", "last.pp0.dp1.safetensors", "last.pp1.dp0.safetensors", "last.pp1.dp1.safetensors"]);

        var digests = new string[4];
        Ranks.Run(ThreadGroups.Of(layout), own =>
        {
            using var replica = new Replica(Shape, recipe, layout, own.Position);
            Checkpoint.Load(folder[FileOf(own.Position)], replica).Step.ShouldBe(3);
            replica.RefreshBackup(own);
            Train(replica, own, recipe.Steps);
            digests[own.Rank] = replica.Digest();
        });

        digests.ShouldBe(expected);
        using var other = new Replica(Shape, recipe, layout, new RankPosition(1, 0, 0));
        Should.Throw<CheckpointException>(() => Checkpoint.Load(folder[FileOf(default)], other)).Reason.ShouldContain("optimizer.first_moment.shard_1_of_2 is missing");

        string FileOf(RankPosition position) => Checkpoint.FileName("last", layout, position, sharded: true);
    }

    private static void Train(Replica replica, ThreadGroups groups, int until)
    {
        if (replica.AwaitsParameters)
            replica.GatherParameters(groups);
        while (replica.Step < until)
            StepProtocol.TrainStep(replica, TinyJob.Text, groups, StepProtocol.Commit);
    }

    private static unsafe void Copy(IEnumerable<MemoryRegion> from, IEnumerable<MemoryRegion> to)
    {
        foreach (var (source, target) in from.Zip(to))
            Buffer.MemoryCopy((void*)source.Address, (void*)target.Address, target.Length, source.Length);
    }
}
