using TorchSharp;
using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>Gradients are reduced while backward goes on; the result does not depend on when.</summary>
public class OverlapTests
{
    private static readonly ModelShape Shape = new(Layers: 4, Width: 32, Heads: 2, Context: 16, Dropout: 0.1f);
    private static readonly TrainingRecipe Recipe = new(Seed: 9, Steps: 4, BatchPerRank: 2, LearningRate: 1e-3f, WarmupSteps: 2) { MicroBatches = 2, OverlapReduction = true };

    [Theory]
    [InlineData(2, 1, 1, false, 0)]
    [InlineData(3, 1, 1, true, 0)]
    [InlineData(2, 2, 1, false, 3000)]
    [InlineData(2, 2, 2, true, 0)]
    public void Overlap_on_and_off_come_to_the_same_bits(int dp, int pp, int tp, bool sharded, int bucketBytes)
    {
        var layout = new ParallelLayout(dp, pp, tp);
        var recipe = Recipe with { ShardOptimizer = sharded, BucketBytes = bucketBytes };

        var overlapped = TrainedModel.Run(Shape, recipe, layout);
        var after = TrainedModel.Run(Shape, recipe with { OverlapReduction = false }, layout);

        overlapped.Digests.ShouldBe(after.Digests);
        overlapped.Losses.ShouldBe(after.Losses);
    }

    [Fact]
    public void The_first_bucket_is_reduced_before_backward_has_come_to_the_first_layer()
    {
        var layout = new ParallelLayout(2);
        var groups = ThreadGroups.Of(layout);
        var reduced = new ManualResetEventSlim[] { new(), new() };
        var waited = new bool[2];
        Ranks.Run(groups, own =>
        {
            var calls = 0;
            var group = (ThreadGroup)own.DataParallel;
            group.BeforeCall = () =>
            {
                if (Interlocked.Increment(ref calls) == 2)
                    reduced[own.Rank].Set();
            };
            using var replica = new Replica(
                new WatchedModel(new ByteGpt(Shape), () => waited[own.Rank] = reduced[own.Rank].Wait(TimeSpan.FromSeconds(20))),
                Recipe with { MicroBatches = 1 }, layout, own.Position);
            StepProtocol.ReduceGradients(replica, TinyJob.Text, own);
        });

        // Each rank's backward pass stood at the first layer until its second bucket was under way.
        waited.ShouldBe([true, true]);
    }

    [Fact]
    public void A_step_that_a_failure_ended_is_retried_to_the_same_bits()
    {
        var layout = new ParallelLayout(Dp: 2, Pp: 2);
        var expected = TrainedModel.Run(Shape, Recipe, layout).Digests;
        for (var failing = 1; failing <= 6; failing++)
        {
            var next = ThreadGroups.Of(layout);
            var digests = new string[layout.Size];
            Ranks.Run(ThreadGroups.Of(layout), own =>
            {
                using var replica = new Replica(Shape, Recipe, layout, own.Position);
                var calls = 0;
                StepProtocol.TrainStep(replica, TinyJob.Text, own, StepProtocol.Commit);
                if (own.Rank == 0)
                {
                    ((ThreadGroup)own.DataParallel).BeforeCall = () =>
                    {
                        if (Interlocked.Increment(ref calls) == failing)
                            own.Fail("pulled");
                    };
                }

                Should.Throw<CollectiveException>(() => StepProtocol.TrainStep(replica, TinyJob.Text, own, StepProtocol.Commit)).Failure.Detail.ShouldBe("pulled");
                replica.Step.ShouldBe(1);
                while (replica.Step < Recipe.Steps)
                    StepProtocol.TrainStep(replica, TinyJob.Text, next[own.Rank], StepProtocol.Commit);
                digests[own.Rank] = replica.Digest();
            });

            digests.ShouldBe(expected, $"failed in call {failing}");
        }
    }

    [Fact]
    public void Stopped_passes_go_on_until_gradients_are_reduced_and_begin_anew_from_then_on()
    {
        var layout = new ParallelLayout(2);
        var expected = TrainedModel.Run(Shape, Recipe, layout).Digests;
        var (segments, boundaries) = (Recipe.MicroBatches * (Shape.Layers + 2), Recipe.MicroBatches * (2 * Shape.Layers + 3));
        var computedTwice = new List<int>();
        for (var failAt = 1; failAt <= boundaries; failAt++)
        {
            var next = ThreadGroups.Of(layout);
            var digests = new string[layout.Size];
            Ranks.Run(ThreadGroups.Of(layout), own =>
            {
                var model = new CountedModel(new ByteGpt(Shape));
                using var replica = new Replica(model, Recipe, layout, own.Position);
                Should.Throw<CollectiveException>(() => StepProtocol.TrainStep(replica, TinyJob.Text, own.Rank == 0 ? new FailingGroups(failAt, own) : own, StepProtocol.Commit));
                StepProtocol.TrainStep(replica, TinyJob.Text, next[own.Rank], StepProtocol.Commit);
                if (own.Rank == 0)
                    computedTwice.Add(model.Forward + model.Backward - (2 * segments));
                while (replica.Step < Recipe.Steps)
                    StepProtocol.TrainStep(replica, TinyJob.Text, next[own.Rank], StepProtocol.Commit);
                digests[own.Rank] = replica.Digest();
            });

            digests.ShouldBe(expected, $"stopped at {failAt}");
        }

        // A quarter of the gradients, from the end, is a bucket: none is final before the last backward pass has left the output side.
        var kept = computedTwice.TakeWhile(twice => twice == 0).Count();
        kept.ShouldBeInRange(boundaries - Shape.Layers - 1, boundaries - 2);
        computedTwice.Skip(kept).ShouldBe(Enumerable.Range(kept, boundaries - kept).Select(done => (2 * segments) - (boundaries - done)));
    }

    [Fact]
    public void A_failure_inside_the_backward_pass_of_a_tensor_parallel_rank_surfaces_and_the_step_is_retried_to_the_same_bits()
    {
        var layout = new ParallelLayout(Dp: 1, Tp: 2);
        var expected = TrainedModel.Run(Shape, Recipe, layout).Digests;
        for (var failing = 1; failing <= 2 * 4 * Shape.Layers; failing += 5)
        {
            var next = ThreadGroups.Of(layout);
            var digests = new string[layout.Size];
            Ranks.Run(ThreadGroups.Of(layout), own =>
            {
                using var replica = new Replica(Shape, Recipe, layout, own.Position);
                var calls = 0;
                if (own.Rank == 1)
                {
                    ((ThreadGroup)own.TensorParallel).BeforeCall = () =>
                    {
                        if (++calls == failing)
                            own.Fail("pulled");
                    };
                }

                Should.Throw<CollectiveException>(() => StepProtocol.TrainStep(replica, TinyJob.Text, own, StepProtocol.Commit));
                while (replica.Step < Recipe.Steps)
                    StepProtocol.TrainStep(replica, TinyJob.Text, next[own.Rank], StepProtocol.Commit);
                digests[own.Rank] = replica.Digest();
            });

            digests.ShouldBe(expected, $"failed in call {failing}");
        }
    }

    [Fact]
    public void An_error_of_the_training_thread_leaves_no_reduction_behind()
    {
        var layout = new ParallelLayout(2);
        var groups = ThreadGroups.Of(layout);

        Should.Throw<ArgumentException>(() => Ranks.Run(groups, own =>
        {
            using var replica = new Replica(Shape, Recipe, layout, own.Position);
            StepProtocol.TrainStep(replica, own.Rank == 0 ? TinyJob.Text : Corpus.Of(new byte[3]), own, StepProtocol.Commit);
        })).Message.ShouldStartWith("A corpus of 3 bytes");
    }

    [Fact]
    public void Two_hundred_overlapped_steps_leave_no_tensor_behind_and_the_update_allocates_nothing()
    {
        var layout = new ParallelLayout(2);
        var tensors = new long[2];
        var meet = new Barrier(2);
        Ranks.Run(ThreadGroups.Of(layout), own =>
        {
            using var replica = new Replica(Shape with { Layers = 2 }, Recipe, layout, own.Position);
            for (var step = 0; step < 203; step++)
            {
                if (step == 3)
                {
                    meet.SignalAndWait();
                    tensors[own.Rank] = torch.Tensor.TotalCount;
                    meet.SignalAndWait();
                }

                StepProtocol.TrainStep(replica, TinyJob.Text, own, StepProtocol.Commit);
            }

            meet.SignalAndWait();
            torch.Tensor.TotalCount.ShouldBe(tensors[own.Rank]);
            meet.SignalAndWait();
        });
    }

    /// <summary>Calls back when backward reaches the input of the first layer.</summary>
    private sealed class WatchedModel(IModel inner, Action reached) : IModel
    {
        public int Layers => inner.Layers;

        public int Context => inner.Context;

        public IReadOnlyList<long> ActivationShape => inner.ActivationShape;

        public IReadOnlyList<ParameterSpec> Parameters => inner.Parameters;

        public void Validate(ParallelLayout layout) => inner.Validate(layout);

        public IModelStage CreateStage(StageScope scope) => new Stage(inner.CreateStage(scope), reached);

        private sealed class Stage(IModelStage inner, Action reached) : IModelStage
        {
            public torch.Tensor Embed(torch.Tensor inputs) => inner.Embed(inputs);

            public torch.Tensor Layer(int layer, torch.Tensor activations) =>
                inner.Layer(layer, layer == 0 ? Mark.apply(activations, reached) : activations);

            public torch.Tensor Loss(torch.Tensor activations, torch.Tensor targets) => inner.Loss(activations, targets);
        }
    }
}
