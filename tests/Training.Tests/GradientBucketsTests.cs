using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>How gradients are cut into what is reduced at once.</summary>
public class GradientBucketsTests
{
    private static readonly ModelShape Large = new(Layers: 8, Width: 512, Heads: 8, Context: 64);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(1, 5_000_000)]
    public void Buckets_cover_the_gradients_once_from_the_end_to_the_beginning(int pp, int bytes)
    {
        var layout = new ParameterLayout(new ByteGpt(Large), new ParallelLayout(2, pp), default);

        var buckets = GradientBuckets.Of(layout, bytes);

        buckets[0].End.ShouldBe(layout.FlatLength);
        buckets.Zip(buckets.Skip(1)).ShouldAllBe(pair => pair.First.Start == pair.Second.End && pair.First.Length > 0);
        buckets[^1].Start.ShouldBe(0);
        buckets[^1].Shared.ShouldBe(pp > 1);
    }

    [Fact]
    public void What_is_reduced_last_is_small_whatever_the_size_of_the_model()
    {
        var layout = new ParameterLayout(Large);

        var buckets = GradientBuckets.Of(layout, 0);

        ((double)buckets[0].Length / layout.FlatLength).ShouldBe(0.25, 0.01);
        buckets[^1].Length.ShouldBeLessThan(512 * 1024);
        buckets.Length.ShouldBeLessThan(12);
    }

    [Fact]
    public void A_small_model_has_four_buckets() => GradientBuckets.Of(new ParameterLayout(new ModelShape()), 0).Length.ShouldBe(4);
}
