using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

public class DataParallelTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Data_parallel_ranks_stay_bit_equal_and_a_second_run_gives_the_same_bits(int ranks)
    {
        var progress = new List<long>();
        var run = Run(ranks, progress);

        run.Digests.Distinct().Count().ShouldBe(1);
        progress.ShouldBe([0, 1, 2, 3, 4, 5]);
        var again = Run(ranks, []);
        again.LossBits.ShouldBe(run.LossBits);
        again.Digests.ShouldBe(run.Digests);
    }

    [Fact]
    public void Two_ranks_compute_the_mean_gradient_of_one_rank_with_the_whole_batch()
    {
        var groups = ThreadGroups.Of(new ParallelLayout(2));
        using var whole = new Replica(TinyJob.Shape, TinyJob.Recipe with { BatchPerRank = 4 });
        using var half = new Replica(TinyJob.Shape, TinyJob.Recipe);
        whole.ForwardBackward(TinyJob.Text, 0, ThreadGroups.Alone);
        half.ForwardBackward(TinyJob.Text, 0, groups[0]);
        var sum = half.Gradients.ToArray();
        half.ForwardBackward(TinyJob.Text, 0, groups[1]);

        for (var i = 0; i < sum.Length; i++)
            ((sum[i] + half.Gradients[i]) / 2).ShouldBe(whole.Gradients[i], tolerance: 1e-5);
    }

    [Fact]
    public void A_rank_that_fails_ends_the_run_with_its_error()
    {
        var recipe = TinyJob.Recipe with { BatchPerRank = 1 };
        var tooShort = Corpus.Of(new byte[4]);

        var error = Should.Throw<AggregateException>(() => Run(2, recipe, tooShort));

        error.InnerExceptions.Count.ShouldBe(2);
        error.InnerExceptions.ShouldContain(inner => inner is ArgumentException);
    }

    [Fact]
    public void A_cancelled_run_ends_at_the_next_step()
    {
        using var cancellation = new CancellationTokenSource();
        var last = -1L;

        Should.Throw<OperationCanceledException>(() => Run(1, TinyJob.Recipe, TinyJob.Text, step =>
        {
            last = step;
            if (step == 2)
                cancellation.Cancel();
        }, cancellation.Token));

        last.ShouldBe(2);
    }

    private static ReferenceResult Run(int ranks, List<long> progress) => Run(ranks, TinyJob.Recipe, TinyJob.Text, progress.Add);

    private static ReferenceResult Run(int ranks, TrainingRecipe recipe, Corpus text, Action<long>? progress = null, CancellationToken cancellation = default)
    {
        var groups = ThreadGroups.Of(new ParallelLayout(ranks));
        return ReferenceRun.Run(
            new ByteGpt(TinyJob.Shape), recipe, text, groups, (rank, error) => groups[rank].Fail(error.Message), (step, _) => progress?.Invoke(step), cancellation);
    }
}
