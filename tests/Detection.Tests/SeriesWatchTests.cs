using TrainMover.Detection.Findings;
using TrainMover.Detection.Streaming;

namespace TrainMover.Detection.Tests;

public class SeriesWatchTests
{
    [Fact]
    public void A_spike_higher_than_all_before_is_an_anomaly_and_the_same_spike_again_is_not()
    {
        var flagged = Flagged(sample => sample is 600 or 1200 ? 20 : Wave(sample), 1500);
        flagged.ShouldBe([600]);
    }

    [Fact]
    public void A_level_that_shifts_within_the_usual_range_is_an_anomaly_of_the_mean()
    {
        var watch = new SeriesWatch();
        var flagged = new List<(int Sample, string Quantity)>();
        for (var sample = 0; sample < 1200; sample++)
        {
            // Three samples high and seven low give way to high ones alone.
            var score = watch.Observe(sample % 10 < 3 || sample >= 1000 ? 1 : 0);
            if (score.Score >= 1) flagged.Add((sample, score.Quantity));
        }

        flagged.ShouldNotBeEmpty();
        flagged[0].Sample.ShouldBeInRange(1000, 1048);
        flagged[0].Quantity.ShouldEndWith("mean");
    }

    [Fact]
    public void Nothing_is_raised_while_it_learns_and_values_that_are_no_numbers_are_passed_over()
    {
        Flagged(sample => sample == 100 ? 1000 : Wave(sample), 150).ShouldBeEmpty();
        Flagged(sample => sample % 7 == 0 ? double.NaN : Wave(sample), 600).ShouldBeEmpty();
    }

    [Fact]
    public void A_flat_series_that_moves_is_an_anomaly_whatever_its_unit() =>
        Flagged(sample => sample < 500 ? 1e9 : 1e9 + 1, 510)[0].ShouldBe(500);

    [Fact]
    public void A_finding_says_what_was_seen_beside_the_record()
    {
        var watch = new SeriesWatch();
        for (var sample = 0; sample < 600; sample++) watch.Observe(Wave(sample));
        var finding = watch.Judge("cpu", 600, watch.Observe(20)).ShouldNotBeNull();
        (finding.Kind, finding.Subject, finding.At).ShouldBe((FindingKind.MetricAnomaly, "cpu", 600L));
        finding.Evidence.Samples.ShouldHaveSingleItem().What.ShouldBe("high");
        watch.Judge("cpu", 601, watch.Observe(5)).ShouldBeNull();
    }

    [Fact]
    public void Settings_that_make_no_sense_are_refused() =>
        Should.Throw<SettingsException>(() => new SeriesWatch(new SeriesWatchSettings { Extended = 12 })).Message.ShouldBe("SeriesWatchSettings: Extended (12) is above Brief (12).");

    private static double Wave(int sample) => 5 + (sample % 10 * 0.1);

    private static List<int> Flagged(Func<int, double> value, int samples)
    {
        var watch = new SeriesWatch();
        return [.. Enumerable.Range(0, samples).Where(sample => watch.Observe(value(sample)).Score >= 1)];
    }
}
