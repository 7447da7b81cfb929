using TrainMover.Detection.Scoring;

namespace TrainMover.Detection.Tests;

public class PcaYardstickTests
{
    [Fact]
    public void What_leaves_the_plane_of_normal_data_is_far_from_it_though_each_metric_is_in_its_range()
    {
        var normal = Enumerable.Range(0, 200).Select(sample => Math.Sin(sample / 5.0)).Select(load => new[] { load, 2 * load, -load }).ToList();
        var scores = PcaYardstick.Score(normal, [[0.5, 1, -0.5], [0.5, -1, -0.5], [double.NaN, double.NaN, double.NaN]]);
        scores[0].ShouldBe(0, 1e-9);
        scores[1].ShouldBeGreaterThan(1);
        scores[2].ShouldBe(0, 1e-9);
    }

    [Theory]
    [InlineData(new[] { 1.0, 5, 5, 2 }, new[] { false, true, true, false }, 1)]
    [InlineData(new[] { 1.0, 5, 5, 2 }, new[] { false, true, false, false }, 2.0 / 3)]
    [InlineData(new[] { 9.0, 5, 4, 2 }, new[] { false, true, true, false }, 0.8)]
    [InlineData(new[] { 9.0, 5 }, new[] { false, false }, 0)]
    public void The_best_F1_is_that_of_the_best_threshold(double[] scores, bool[] labels, double best) => PcaYardstick.BestF1(scores, labels).ShouldBe(best, 1e-12);
}
