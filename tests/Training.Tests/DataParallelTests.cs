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
        var shape = TinyJob.Shape with { Dropout = 0f };
        using var whole = new Replica(shape, TinyJob.Recipe with { BatchPerRank = 4 });
        using var half = new Replica(shape, TinyJob.Recipe);
        whole.ForwardBackward(TinyJob.Text, 0, 0, 1);
        half.ForwardBackward(TinyJob.Text, 0, 0, 2);
        var sum = half.Gradients.ToArray();
        half.ForwardBackward(TinyJob.Text, 0, 1, 2);

        for (var i = 0; i < sum.Length; i++)
            ((sum[i] + half.Gradients[i]) / 2).ShouldBe(whole.Gradients[i], tolerance: 1e-5);
    }

    [Fact]
    public void A_rank_that_fails_ends_the_run_with_its_error()
    {
        var recipe = TinyJob.Recipe with { BatchPerRank = 1 };
        var tooShort = Corpus.Of(new byte[4]);

        var error = Should.Throw<AggregateException>(() => ReferenceRun.Run(TinyJob.Shape, recipe, tooShort, ThreadGroup.Of(2)));

        error.InnerExceptions.Count.ShouldBe(2);
        error.InnerExceptions.ShouldAllBe(inner => inner is ArgumentException);
    }

    [Fact]
    public void A_cancelled_run_ends_at_the_next_step()
    {
        using var cancellation = new CancellationTokenSource();
        var last = -1L;

        Should.Throw<OperationCanceledException>(() => ReferenceRun.Run(TinyJob.Shape, TinyJob.Recipe, TinyJob.Text, ThreadGroup.Of(1), (step, _) =>
        {
            last = step;
            if (step == 2)
                cancellation.Cancel();
        }, cancellation.Token));

        last.ShouldBe(2);
    }

    private static ReferenceResult Run(int ranks, List<long> progress) =>
        ReferenceRun.Run(TinyJob.Shape, TinyJob.Recipe, TinyJob.Text, ThreadGroup.Of(ranks), (step, _) => progress.Add(step));
}
