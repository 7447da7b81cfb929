using TrainMover.Detection.Findings;
using TrainMover.Detection.Learned;

namespace TrainMover.Detection.Tests;

public sealed class MetricModelTests : IDisposable
{
    private const int Metrics = 5;
    private const int Normal = 1200;
    private static readonly string[] Names = ["load", "cpu", "memory", "disk", "network"];
    private static readonly MetricModelSettings Settings = new() { Epochs = 6, Bottleneck = 0.2 };
    private readonly string _folder = Directory.CreateTempSubdirectory("trainmover-models-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_breaks_the_pattern_is_raised_with_the_metric_that_explains_it()
    {
        using var model = MetricModel.Train("server", Names, Samples(Normal, 1), Settings);
        var samples = Samples(400, 2);
        for (var sample = 200; sample < 220; sample++) samples[sample][3] += 4;
        var scores = model.Score(samples);
        Enumerable.Range(205, 15).ShouldAllBe(sample => scores[sample].Score > model.Threshold);
        var finding = model.Judge("m7", 210, scores[210], "server-1").ShouldNotBeNull();
        (finding.Kind, finding.Subject, finding.Evidence.Settings).ShouldBe((FindingKind.MetricAnomaly, "m7", "server-1"));
        finding.Evidence.Samples[1].What.ShouldBe("disk");
        scores.Take(190).Count(score => score.Score > model.Threshold).ShouldBeLessThan(20);
        model.Judge("m7", 100, new MetricScore(model.Threshold, scores[100].Surprises), "server-1").ShouldBeNull();
    }

    [Fact]
    public void Equal_data_and_settings_give_an_equal_model_and_another_seed_another()
    {
        string Version(MetricModelSettings settings)
        {
            using var model = MetricModel.Train("server", Names, Samples(Normal, 1), settings);
            return MetricModelFile.Version(model);
        }

        var version = Version(Settings);
        version.ShouldStartWith("server-");
        Version(Settings).ShouldBe(version);
        Version(Settings with { Seed = 2 }).ShouldNotBe(version);
    }

    [Fact]
    public void A_model_that_was_saved_scores_as_before_and_one_that_was_changed_is_refused()
    {
        using var model = MetricModel.Train("server", Names, Samples(Normal, 1), Settings);
        var path = MetricModelFile.Save(model, _folder);
        using var loaded = MetricModelFile.Load(path);
        var samples = Samples(100, 3);
        loaded.Score(samples).Select(score => score.Score).ShouldBe(model.Score(samples).Select(score => score.Score));
        loaded.Threshold.ShouldBe(model.Threshold);

        File.WriteAllText(path, File.ReadAllText(path).Replace("\"disk\"", "\"disc\"", StringComparison.Ordinal));
        Should.Throw<InvalidDataException>(() => MetricModelFile.Load(path)).Message.ShouldEndWith("it was changed or renamed.");
        File.WriteAllText(path, "no model");
        Should.Throw<InvalidDataException>(() => MetricModelFile.Load(path)).Message.ShouldContain("is not a model");
    }

    [Fact]
    public void Thresholds_come_from_normal_data_alone_the_stricter_the_fewer_alarms()
    {
        using var model = MetricModel.Train("server", Names, Samples(Normal, 1), Settings);
        model.ThresholdAt(0.999).ShouldBeGreaterThan(model.ThresholdAt(0.98));
        model.Threshold.ShouldBe(model.ThresholdAt(Settings.Quantile));
        model.ThresholdFor(1, Normal).ShouldBeGreaterThanOrEqualTo(model.ThresholdFor(10, Normal));
    }

    [Fact]
    public void Too_little_data_and_other_metrics_are_refused()
    {
        Should.Throw<ArgumentException>(() => MetricModel.Train("server", Names, Samples(100, 1), Settings)).Message.ShouldStartWith("100 samples are too few");
        Should.Throw<ArgumentException>(() => MetricModel.Train("server", ["one"], Samples(Normal, 1), Settings)).Message.ShouldStartWith("Every sample has 1 metrics.");
        Should.Throw<SettingsException>(() => MetricModel.Train("server", Names, Samples(Normal, 1), Settings with { Folds = 1 })).Message.ShouldBe("MetricModelSettings: Folds is 1; it is at least 2.");
    }

    // All metrics follow one load; each has a little noise of its own.
    private static List<double[]> Samples(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(sample =>
        {
            var load = Math.Sin(sample / 20.0);
            return Enumerable.Range(0, Metrics).Select(metric => (load * (metric + 1) / 3) + (random.NextDouble() * 0.1)).ToArray();
        })];
    }
}
