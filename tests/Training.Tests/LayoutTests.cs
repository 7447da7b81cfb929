using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>Every layout trains the model that one rank alone would train.</summary>
public class LayoutTests
{
    private const int Sequences = 8;
    private static readonly ModelShape Shape = new(Layers: 4, Width: 32, Heads: 4, Context: 16, Dropout: 0.1f);

    public static TheoryData<int, int, int, int> Layouts => new()
    {
        { 1, 1, 2, 1 },
        { 1, 1, 4, 2 },
        { 1, 2, 1, 1 },
        { 1, 2, 1, 4 },
        { 1, 3, 1, 2 },
        { 1, 3, 1, 8 },
        { 1, 4, 1, 4 },
        { 4, 1, 1, 1 },
        { 2, 1, 2, 1 },
        { 2, 2, 1, 4 },
        { 2, 2, 2, 2 },
        { 3, 2, 1, 2 },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void A_layout_trains_what_one_rank_alone_trains_and_repeats_itself_bit_for_bit(int dp, int pp, int tp, int microBatches)
    {
        var sequences = dp == 3 ? 12 : Sequences;
        var alone = TrainedModel.Run(Shape, Recipe(sequences), new ParallelLayout(1));
        var layout = new ParallelLayout(dp, pp, tp);
        var recipe = Recipe(sequences / dp) with { MicroBatches = microBatches };

        var run = TrainedModel.Run(Shape, recipe, layout);

        run.Losses.Length.ShouldBe(alone.Losses.Length);
        for (var step = 0; step < run.Losses.Length; step++)
            run.Losses[step].ShouldBe(alone.Losses[step], tolerance: 2e-5);
        foreach (var (name, values) in alone.Parameters)
            LargestDifference(run.Parameters[name], values).ShouldBeLessThan(2e-4, name);
        run.Parameters.Keys.Order().ShouldBe(alone.Parameters.Keys.Order());
        TrainedModel.Run(Shape, recipe, layout).Digests.ShouldBe(run.Digests);
    }

    [Fact]
    public void The_tied_embedding_stays_bit_equal_on_first_and_last_stage()
    {
        var run = TrainedModel.Run(Shape, Recipe(4) with { MicroBatches = 2 }, new ParallelLayout(Dp: 3, Pp: 3));

        run.Copies["embedding.token"].Count.ShouldBe(6);
        run.Copies["embedding.token"].Distinct().Count().ShouldBe(1);
        run.Copies["embedding.position"].Count.ShouldBe(3);
    }

    [Fact]
    public void Whatever_is_held_by_several_ranks_stays_bit_equal()
    {
        var run = TrainedModel.Run(Shape, Recipe(2) with { MicroBatches = 2 }, new ParallelLayout(Dp: 2, Pp: 2, Tp: 2));

        foreach (var (name, copies) in run.Copies)
            copies.Distinct().Count().ShouldBe(1, name);
        run.Digests.Chunk(4).SelectMany(stage => stage[..2].Zip(stage[2..])).ShouldAllBe(pair => pair.First == pair.Second);
    }

    [Fact]
    public void All_ranks_of_a_step_hear_the_same_loss_and_norm()
    {
        var layout = new ParallelLayout(Dp: 2, Pp: 2, Tp: 2);
        var outcomes = new StepOutcome[layout.Size];
        Ranks.Run(ThreadGroups.Of(layout), own =>
        {
            using var replica = new Replica(Shape, Recipe(4), layout, own.Position);
            outcomes[own.Rank] = StepProtocol.TrainStep(replica, TinyJob.Text, own, StepProtocol.Commit);
        });
        using var alone = new Replica(Shape, Recipe(8));
        var expected = StepProtocol.TrainStep(alone, TinyJob.Text, ThreadGroups.Alone, StepProtocol.Commit);

        outcomes.Distinct().Count().ShouldBe(1);
        outcomes[0].Verdict.Norm.ShouldBe(expected.Verdict.Norm, tolerance: 1e-5);
        outcomes[0].Loss.ShouldBe(expected.Loss, tolerance: 1e-5);
    }

    [Fact]
    public async Task Groups_over_sockets_come_to_the_same_bits_where_no_group_has_more_than_two_replicas()
    {
        var layout = new ParallelLayout(Dp: 2, Pp: 2, Tp: 2);
        var recipe = Recipe(4) with { MicroBatches = 2 };

        var run = await ReferenceRun.RunAsync(new ByteGpt(Shape), recipe, TinyJob.Text, layout, cancellation: TestContext.Current.CancellationToken);
        var sharded = await ReferenceRun.RunAsync(new ByteGpt(Shape), recipe with { ShardOptimizer = true }, TinyJob.Text, layout, cancellation: TestContext.Current.CancellationToken);

        var expected = TrainedModel.Run(Shape, recipe, layout);
        run.Digests.ShouldBe(expected.Digests);
        run.LossBits.Select(BitConverter.UInt32BitsToSingle).ShouldBe(expected.Losses);
        sharded.LossBits.ShouldBe(run.LossBits);
    }

    [Fact]
    public async Task Over_sockets_a_sharded_optimizer_with_more_replicas_trains_the_same_model_and_repeats_itself_bit_for_bit()
    {
        // A ring that stops at the owner of a part adds up in another order than one that goes all the way round.
        var layout = new ParallelLayout(3);
        var whole = await ReferenceRun.RunAsync(new ByteGpt(Shape), Recipe(2), TinyJob.Text, layout, cancellation: TestContext.Current.CancellationToken);
        var recipe = Recipe(2) with { ShardOptimizer = true };

        var sharded = await ReferenceRun.RunAsync(new ByteGpt(Shape), recipe, TinyJob.Text, layout, cancellation: TestContext.Current.CancellationToken);
        var again = await ReferenceRun.RunAsync(new ByteGpt(Shape), recipe, TinyJob.Text, layout, cancellation: TestContext.Current.CancellationToken);

        again.Digests.ShouldBe(sharded.Digests);
        foreach (var (one, other) in sharded.LossBits.Zip(whole.LossBits))
            BitConverter.UInt32BitsToSingle(one).ShouldBe(BitConverter.UInt32BitsToSingle(other), tolerance: 1e-5);
    }

    [Fact]
    public void A_model_that_cannot_be_divided_is_refused_with_the_reason()
    {
        Refusal(new ParallelLayout(1, Pp: 5)).ShouldStartWith("4 layers cannot be divided among 5 stages.");
        Refusal(new ParallelLayout(1, Tp: 3)).ShouldStartWith("4 attention heads cannot be divided among 3 tensor-parallel ranks.");
        Should.Throw<ArgumentException>((Recipe(8) with { MicroBatches = 3 }).Validate).Message.ShouldContain("micro-batches must divide the batch of 8 per rank, which 3 do not");
    }

    [Fact]
    public void A_replica_does_not_train_at_a_place_that_it_was_not_made_for()
    {
        using var replica = new Replica(Shape, Recipe(4), new ParallelLayout(1, Pp: 2), new RankPosition(0, 1, 0));

        Should.Throw<ArgumentException>(() => replica.ForwardBackward(TinyJob.Text, 0, ThreadGroups.Alone)).Message.ShouldContain("cannot train at");
    }

    private static TrainingRecipe Recipe(int sequences) => new(Seed: 11, Steps: 4, BatchPerRank: sequences, LearningRate: 1e-3f, WarmupSteps: 2, ClipNorm: 0.5f) { OverlapReduction = true };

    private static string Refusal(ParallelLayout layout) => Should.Throw<ArgumentException>(() => new Replica(Shape, Recipe(8), layout)).Message;

    private static double LargestDifference(float[] one, float[] other) => one.Zip(other, (a, b) => Math.Abs((double)a - b)).Max();
}
