using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>Passes over a model of three layers, in groups that fail while nobody calls them.</summary>
public class InterruptedPassesTests
{
    private const int Layers = 3;
    private static readonly ModelShape Shape = new(Layers, Width: 16, Heads: 2, Context: 8, Dropout: 0.1f);
    private static readonly TrainingRecipe Recipe = new(Seed: 7, Steps: 4, BatchPerRank: 2);

    [Fact]
    public void A_failure_is_noticed_before_each_layer_forward_and_backward()
    {
        var groups = new FailingGroups(failAt: null);
        using var replica = new Replica(Shape, Recipe);
        StepProtocol.TrainStep(replica, TinyJob.Text, groups, StepProtocol.Commit);

        // Forward: each layer and the loss; backward: these and the input side.
        groups.Asked.ShouldBe((Layers + 1) + (Layers + 2));
    }

    [Fact]
    public void A_step_that_is_ended_between_two_layers_changes_nothing_and_is_made_again_to_the_same_bits()
    {
        using var undisturbed = new Replica(Shape, Recipe);
        StepProtocol.TrainStep(undisturbed, TinyJob.Text, ThreadGroups.Alone, StepProtocol.Commit);
        using var replica = new Replica(Shape, Recipe);
        var before = replica.Digest();

        for (var failAt = 1; failAt <= (Layers + 1) + (Layers + 2); failAt++)
        {
            Should.Throw<CollectiveException>(() => StepProtocol.TrainStep(replica, TinyJob.Text, new FailingGroups(failAt), StepProtocol.Commit)).Failure.Detail.ShouldBe("pulled");
            replica.Digest().ShouldBe(before);
        }

        StepProtocol.TrainStep(replica, TinyJob.Text, ThreadGroups.Alone, StepProtocol.Commit);
        replica.Digest().ShouldBe(undisturbed.Digest());
    }

    private sealed class FailingGroups(int? failAt) : IRankGroups
    {
        private readonly IRankGroups _inner = ThreadGroups.Alone;

        public int Asked { get; private set; }

        public ParallelLayout Layout => _inner.Layout;

        public int Rank => _inner.Rank;

        public ICommunicator DataParallel => _inner.DataParallel;

        public ICommunicator TensorParallel => _inner.TensorParallel;

        public ICommunicator ModelParallel => _inner.ModelParallel;

        public ICommunicator? Previous => null;

        public ICommunicator? Next => null;

        public ICommunicator? Embedding => null;

        public void ThrowIfFailed()
        {
            if (++Asked == failAt)
                throw new CollectiveException(new GroupFailure(FailureKind.Ordered, null, null, "pulled", 0));
        }
    }
}
