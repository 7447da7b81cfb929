using TrainMover.Detection.Scoring;

namespace TrainMover.Detection.Tests;

/// <summary>Cases worked out by hand: 100 samples, of which the first 15 do not count; one window of 10 samples from 40 to 49.</summary>
public class NabScoreTests
{
    // 2 / (1 + e^(5 x position)) - 1, at position -1 the largest.
    private const double AtLeftEdge = 0.9866142981514303;

    [Fact]
    public void Nothing_detected_is_worth_0_and_the_begin_of_each_window_alone_100()
    {
        At(1, []).Normalised.ShouldBe(0);
        At(1, []).Raw.ShouldBe(-1);
        At(1, [40]).Normalised.ShouldBe(100, 1e-9);
    }

    [Fact]
    public void A_late_detection_is_worth_less_and_only_the_earliest_of_a_window_counts()
    {
        // The sixth of ten: position -(49 - 45 + 1) / 10 = -0.5.
        var expected = ((2 / (1 + Math.Exp(-2.5))) - 1) / AtLeftEdge;
        At(1, [45]).Raw.ShouldBe(expected, 1e-9);
        At(1, [45, 46, 49]).Raw.ShouldBe(expected, 1e-9);
        At(1, [45]).Normalised.ShouldBe(100 * (expected + 1) / 2, 1e-9);
    }

    [Fact]
    public void A_false_alarm_costs_11_hundredths_before_any_window_and_less_shortly_after_one()
    {
        At(1, [20, 40]).Raw.ShouldBe(1 - 0.11, 1e-9);
        // Nine samples behind a window of ten is one width (less one): position 1.
        At(1, [40, 58]).Raw.ShouldBe(1 - (0.11 * AtLeftEdge), 1e-9);
        At(1, [40, 49 + 27]).Raw.ShouldBe(1 - 0.11, 1e-9);
        At(1, [20, 40]).FalsePositives.ShouldBe(1);
    }

    [Fact]
    public void The_first_15_percent_do_not_count()
    {
        At(1, [3, 14, 40]).Raw.ShouldBe(1, 1e-9);
        At(1, [15, 40]).Raw.ShouldBe(0.89, 1e-9);
        NabScore.ProbationOf(new NabSeries("long", new double[20_000], [])).ShouldBe(750);
    }

    [Fact]
    public void The_best_threshold_is_one_for_all_series_and_as_good_as_any_that_is_tried()
    {
        var random = new Random(5);
        var corpus = Enumerable.Range(0, 4).Select(number => new NabSeries($"{number}", [.. Enumerable.Range(0, 100).Select(_ => Math.Round(random.NextDouble(), 2))], [(40, 49), (70, 79)])).ToList();
        var best = NabScore.Best(corpus);
        best.Raw.ShouldBe(corpus.SelectMany(series => series.Scores).Select(threshold => NabScore.At(threshold, corpus).Raw).Append(-8).Max(), 1e-9);
        best.Raw.ShouldBe(NabScore.At(best.Threshold, corpus).Raw, 1e-9);
    }

    [Fact]
    public void A_window_outside_its_series_is_refused() =>
        Should.Throw<ArgumentException>(() => NabScore.At(1, [new NabSeries("short", new double[10], [(5, 10)])])).Message.ShouldStartWith("A window of short lies outside its 10 samples.");

    [Fact]
    public void Points_and_events_are_counted_as_they_are()
    {
        bool[] labels = [false, true, true, true, false, false, true, false];
        bool[] flags = [true, false, true, false, false, true, false, false];
        var points = PointScore.Of(flags, labels);
        points.ShouldBe(new PointScore(1, 2, 3));
        points.F1.ShouldBe(2.0 / 7, 1e-12);
        var events = EventScore.Of(flags, labels);
        (events.Events, events.Detected, events.Alarms, events.FalseAlarms).ShouldBe((2, 1, 3, 2));
        events.Delays.ShouldBe([1]);
    }

    private static NabResult At(double threshold, int[] detections)
    {
        var scores = new double[100];
        foreach (var detection in detections) scores[detection] = 1;
        return NabScore.At(threshold, [new NabSeries("series", scores, [(40, 49)])]);
    }
}
