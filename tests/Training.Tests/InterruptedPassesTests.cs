using TorchSharp;
using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>Passes over a model of three layers, in groups that fail while nobody calls them: they stop between two segments, and go on there.</summary>
public class InterruptedPassesTests
{
    private const int Layers = 3;

    // Of one micro-batch. Forward: before each layer and the loss; backward: before these and the input side.
    private const int Boundaries = (Layers + 1) + (Layers + 2);

    private static readonly ModelShape Shape = new(Layers, Width: 16, Heads: 2, Context: 8, Dropout: 0.1f);
    private static readonly TrainingRecipe Recipe = new(Seed: 7, Steps: 4, BatchPerRank: 2);

    [Fact]
    public void A_failure_is_noticed_before_each_layer_forward_and_backward()
    {
        var groups = new FailingGroups(failAt: null);
        using var replica = new Replica(Shape, Recipe);
        StepProtocol.TrainStep(replica, TinyJob.Text, groups, StepProtocol.Commit);

        groups.Asked.ShouldBe(Boundaries);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Passes_that_are_stopped_before_any_segment_go_on_there_to_the_same_bits_and_compute_none_twice(int microBatches)
    {
        var undisturbed = TwoSteps.Of(Recipe with { MicroBatches = microBatches }, failAt: null);
        undisturbed.Segments.ShouldBe(microBatches * (Layers + 2));

        for (var failAt = 1; failAt <= microBatches * Boundaries; failAt++)
            TwoSteps.Of(Recipe with { MicroBatches = microBatches }, failAt).ShouldBe(undisturbed, $"stopped at {failAt}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Passes_that_are_stopped_before_every_segment_change_nothing_and_come_to_the_same_bits(int microBatches)
    {
        var recipe = Recipe with { MicroBatches = microBatches };
        var model = new CountedModel(new ByteGpt(Shape));
        using var undisturbed = new Replica(Shape, recipe);
        StepProtocol.TrainStep(undisturbed, TinyJob.Text, ThreadGroups.Alone, StepProtocol.Commit);
        using var replica = new Replica(model, recipe, new ParallelLayout(1), default);
        var before = replica.Digest();

        // Each time but the first it passes where it stood, and stops at the next one.
        for (var stop = 1; stop <= microBatches * Boundaries; stop++)
        {
            var groups = new FailingGroups(failAt: stop == 1 ? 1 : 2);
            Should.Throw<CollectiveException>(() => StepProtocol.TrainStep(replica, TinyJob.Text, groups, StepProtocol.Commit)).Failure.Detail.ShouldBe("pulled");
            replica.Digest().ShouldBe(before);
        }

        StepProtocol.TrainStep(replica, TinyJob.Text, ThreadGroups.Alone, StepProtocol.Commit);
        replica.Digest().ShouldBe(undisturbed.Digest());
        (model.Forward, model.Backward).ShouldBe((microBatches * (Layers + 2), microBatches * (Layers + 2)));
    }

    [Fact]
    public void What_is_kept_is_freed_when_the_step_is_another_and_when_the_replica_is_gone()
    {
        var before = torch.Tensor.TotalCount;
        using (var replica = new Replica(Shape, Recipe))
        {
            replica.ForwardBackward(TinyJob.Text, 0, ThreadGroups.Alone);
            var between = torch.Tensor.TotalCount;
            Stop(replica, Boundaries);
            torch.Tensor.TotalCount.ShouldBeGreaterThan(between);
            replica.Step = 1;
            torch.Tensor.TotalCount.ShouldBe(between);
            Stop(replica, 2);
        }

        torch.Tensor.TotalCount.ShouldBe(before);
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public void Passes_that_need_other_ranks_keep_nothing(int pp, int tp)
    {
        var layout = new ParallelLayout(1, pp, tp);
        var groups = ThreadGroups.Of(layout)[0];
        using var replica = new Replica(Shape with { Layers = 4 }, Recipe, layout, groups.Position);
        var before = torch.Tensor.TotalCount;

        // Before the rank meets any other: none is there.
        Should.Throw<CollectiveException>(() => replica.ForwardBackward(TinyJob.Text, 0, new FailingGroups(failAt: tp == 1 ? 2 : 1, groups))).Failure.Detail.ShouldBe("pulled");
        torch.Tensor.TotalCount.ShouldBe(before);
    }

    [Fact]
    public void Whoever_follows_hears_of_a_step_that_was_stopped_what_it_hears_of_any_other()
    {
        var undisturbed = Heard(failAt: null);
        undisturbed.Count(what => what == nameof(IReplicaFollower.GradientsDiscarded)).ShouldBe(1);
        undisturbed.Count.ShouldBeGreaterThan(3);

        for (var failAt = 1; failAt <= Boundaries; failAt++)
            Heard(failAt).ShouldBe(undisturbed, $"stopped at {failAt}");

        static IReadOnlyList<string> Heard(int? failAt)
        {
            var follower = new Listener();
            using var replica = new Replica(Shape, Recipe);
            StepProtocol.TrainStep(replica, TinyJob.Text, ThreadGroups.Alone, StepProtocol.Commit);
            replica.Follower = follower;
            if (failAt is { } stop)
                Stop(replica, stop);
            StepProtocol.TrainStep(replica, TinyJob.Text, ThreadGroups.Alone, StepProtocol.Commit);
            return follower.Heard;
        }
    }

    [Fact]
    public void A_step_that_goes_on_is_recorded_as_if_it_had_not_been_stopped()
    {
        using var undisturbed = new Replica(Shape, Recipe);
        using var replica = new Replica(Shape, Recipe);
        Stop(replica, Boundaries - 2);

        var (expected, recorded) = (Record(undisturbed), Record(replica));
        (recorded.GradientsDigest, recorded.UpdatedDigest, recorded.LossBits).ShouldBe((expected.GradientsDigest, expected.UpdatedDigest, expected.LossBits));

        static StepRecord Record(Replica replica) =>
            StepRecorder.TrainStep(TinyJob.Name, replica, TinyJob.Text, ThreadGroups.Alone, new HashSet<GroupRole>()).Record.ShouldNotBeNull();
    }

    private static void Stop(Replica replica, int failAt) =>
        Should.Throw<CollectiveException>(() => replica.ForwardBackward(TinyJob.Text, replica.Step, new FailingGroups(failAt))).Failure.Detail.ShouldBe("pulled");

    /// <summary>What two steps come to, the second of which may be stopped; and the segments that the second one computed, each way.</summary>
    private sealed record TwoSteps(string Gradients, uint Loss, string Digest, int Segments, int BackwardSegments)
    {
        public static TwoSteps Of(TrainingRecipe recipe, int? failAt)
        {
            var model = new CountedModel(new ByteGpt(Shape));
            using var replica = new Replica(model, recipe, new ParallelLayout(1), default);
            StepProtocol.TrainStep(replica, TinyJob.Text, ThreadGroups.Alone, StepProtocol.Commit);
            model.Reset();
            if (failAt is not null)
                Should.Throw<CollectiveException>(() => StepProtocol.TrainStep(replica, TinyJob.Text, new FailingGroups(failAt), StepProtocol.Commit));
            var gradients = "";
            var outcome = StepProtocol.TrainStep(replica, TinyJob.Text, ThreadGroups.Alone, commit =>
            {
                gradients = replica.DigestOfGradients();
                return StepProtocol.Commit(commit);
            });
            return new TwoSteps(gradients, BitConverter.SingleToUInt32Bits(outcome.Loss), replica.Digest(), model.Forward, model.Backward);
        }
    }

    private sealed class Listener : IReplicaFollower
    {
        public List<string> Heard { get; } = [];

        public void GradientsReduced(long step, int start, int length) => Heard.Add($"{step}: {start} + {length}");

        public void GradientsDiscarded() => Heard.Add(nameof(GradientsDiscarded));

        public void Updating(long step, double norm, int replicas) => Heard.Add($"{step}: {norm:R} of {replicas}");

        public void Updated(long step) => Heard.Add($"{step}");
    }
}
