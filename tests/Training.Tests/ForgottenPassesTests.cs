using TrainMover.Collectives;
using TrainMover.Training.Session;

namespace TrainMover.Training.Tests;

/// <summary>Passes that were stopped, and what makes the next ones begin anew: they must be those of a replica that was never stopped.</summary>
public class ForgottenPassesTests
{
    private const int Layers = 3;
    private static readonly ModelShape Shape = new(Layers, Width: 16, Heads: 2, Context: 8, Dropout: 0.1f);
    private static readonly TrainingRecipe Recipe = new(Seed: 7, Steps: 4, BatchPerRank: 2);
    private static readonly FailingGroups Alone = new(failAt: null);

    // In the forward pass, before the first backward segment, in the backward pass.
    public static TheoryData<int> Stops => [2, Layers + 2, Layers + 5];

    [Theory]
    [MemberData(nameof(Stops))]
    public void Nothing_changed_so_they_go_on(int failAt)
    {
        var (replica, model, text) = Stopped(failAt);
        using (replica)
        {
            ShouldBeFresh(replica, text, 0, Alone);
            model.Forward.ShouldBe(Layers + 2);
        }
    }

    [Theory]
    [MemberData(nameof(Stops))]
    public void An_update_was_applied(int failAt)
    {
        var (replica, model, text) = Stopped(failAt);
        using (replica)
        {
            replica.ApplyUpdate(0, 1.0, 1);
            ShouldBeginAnew(replica, model, text, 1, Alone);
        }
    }

    [Theory]
    [MemberData(nameof(Stops))]
    public void The_step_is_another(int failAt)
    {
        var (replica, model, text) = Stopped(failAt);
        using (replica)
            ShouldBeginAnew(replica, model, text, 1, Alone);
    }

    [Theory]
    [MemberData(nameof(Stops))]
    public void The_data_are_others(int failAt)
    {
        var (replica, model, _) = Stopped(failAt);
        using (replica)
            ShouldBeginAnew(replica, model, Corpus.Of([.. Enumerable.Range(0, 300).Select(i => (byte)(i * i))]), 0, Alone);
    }

    [Theory]
    [MemberData(nameof(Stops))]
    public void The_data_parallel_place_is_another(int failAt)
    {
        var (replica, model, text) = Stopped(failAt, ThreadGroups.Of(new ParallelLayout(2))[0]);
        using (replica)
            ShouldBeginAnew(replica, model, text, 0, new FailingGroups(failAt: null, ThreadGroups.Of(new ParallelLayout(2))[1]));
    }

    [Theory]
    [MemberData(nameof(Stops))]
    public void The_number_of_replicas_is_another(int failAt)
    {
        var (replica, model, text) = Stopped(failAt, ThreadGroups.Of(new ParallelLayout(2))[0]);
        using (replica)
            ShouldBeginAnew(replica, model, text, 0, new FailingGroups(failAt: null, ThreadGroups.Of(new ParallelLayout(3))[0]));
    }

    [Theory]
    [MemberData(nameof(Stops))]
    public void A_checkpoint_of_the_same_step_was_loaded(int failAt)
    {
        using var folder = new TemporaryFolder();
        using (var other = Other())
            Checkpoint.Save(folder["other"], other, TinyJob.Name);
        var (replica, model, text) = Stopped(failAt);
        using (replica)
        {
            Checkpoint.Load(folder["other"], replica);
            ShouldBeginAnew(replica, model, text, 0, Alone);
        }
    }

    [Theory]
    [MemberData(nameof(Stops))]
    public void The_state_of_the_same_step_was_received(int failAt)
    {
        using var other = Other();
        var (replica, model, text) = Stopped(failAt);
        using (replica)
        {
            var route = new StateRoute(0, 1, "from", "to", 0, StatePart.ParametersAndOwnMoments);
            StateRegions.ToReceive(replica, route)[0].ShouldBe(replica.ParameterRegion);
            other.ParameterData.CopyTo(replica.ParameterData);
            ShouldBeginAnew(replica, model, text, 0, Alone);
        }
    }

    [Theory]
    [MemberData(nameof(Stops))]
    public void The_parameters_were_given_their_first_values_again(int failAt)
    {
        var (replica, model, text) = Stopped(failAt);
        using (replica)
        {
            replica.Initialize();
            ShouldBeginAnew(replica, model, text, 0, Alone);
        }
    }

    [Fact]
    public void They_broke_off_for_another_reason()
    {
        var data = new BrokenData(TinyJob.Text);
        var model = new CountedModel(new ByteGpt(Shape));
        using var replica = new Replica(model, Recipe, new ParallelLayout(1), default);
        Should.Throw<CollectiveException>(() => replica.ForwardBackward(data, 0, new FailingGroups(failAt: 2)));
        data.IsBroken = true;
        Should.Throw<IOException>(() => replica.ForwardBackward(data, 0, Alone));
        data.IsBroken = false;

        ShouldBeginAnew(replica, model, data, 0, Alone);
    }

    /// <summary>State of step 0 with other parameters.</summary>
    private static Replica Other()
    {
        var other = new Replica(Shape, Recipe);
        StepProtocol.TrainStep(other, TinyJob.Text, ThreadGroups.Alone, StepProtocol.Commit);
        other.Step = 0;
        return other;
    }

    private static (Replica Replica, CountedModel Model, Corpus Text) Stopped(int failAt, ThreadGroups? groups = null)
    {
        var model = new CountedModel(new ByteGpt(Shape));
        var replica = new Replica(model, Recipe, new ParallelLayout(1), default);
        Should.Throw<CollectiveException>(() => replica.ForwardBackward(TinyJob.Text, 0, new FailingGroups(failAt, groups))).Failure.Detail.ShouldBe("pulled");
        return (replica, model, TinyJob.Text);
    }

    private static void ShouldBeginAnew(Replica replica, CountedModel model, ITrainingData text, long step, IRankGroups groups)
    {
        model.Reset();
        ShouldBeFresh(replica, text, step, groups);
        (model.Forward, model.Backward).ShouldBe((Layers + 2, Layers + 2));
    }

    private static void ShouldBeFresh(Replica replica, ITrainingData text, long step, IRankGroups groups)
    {
        using var fresh = new Replica(Shape, Recipe);
        replica.ParameterData.CopyTo(fresh.ParameterData);
        fresh.ForwardBackward(text, step, groups);
        replica.ForwardBackward(text, step, groups);
        replica.Gradients.ToArray().ShouldBe(fresh.Gradients.ToArray());
    }

    private sealed class BrokenData(ITrainingData inner) : ITrainingData
    {
        public bool IsBroken { get; set; }

        public TrainingBatch Batch(ulong seed, long step, long firstSequence, int count, int context) =>
            IsBroken ? throw new IOException("The data cannot be read.") : inner.Batch(seed, step, firstSequence, count, context);
    }
}
