using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Learned;
using TrainMover.Detection.Metrics;

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
        var model = MetricTraining.Train("server", Names, Samples(Normal, 1), Settings);
        var samples = Samples(400, 2);
        for (var sample = 200; sample < 220; sample++) samples[sample][3] += 4;
        var scores = model.Score(samples);
        Enumerable.Range(205, 15).ShouldAllBe(sample => scores[sample].Score > model.Threshold);
        var finding = model.Judge("m7", 210, scores[210], "server-1").ShouldNotBeNull();
        (finding.Kind, finding.Subject, finding.Evidence.Settings).ShouldBe((FindingKind.MetricAnomaly, "m7", "server-1"));
        finding.Evidence.Samples[1].What.ShouldBe("disk");
        var explaining = scores[210].Explaining(2);
        (Names[explaining[0].Metric], explaining[0].Share > 0.5, explaining.Count).ShouldBe(("disk", true, 2));
        finding.Reason.ShouldContain("(model server-1), most of all disk (");
        scores.Take(190).Count(score => score.Score > model.Threshold).ShouldBeLessThan(20);
        model.Judge("m7", 100, new MetricScore(model.Threshold, scores[100].Surprises), "server-1").ShouldBeNull();
    }

    [Fact]
    public void Equal_data_and_settings_give_an_equal_model_and_another_seed_another()
    {
        string Version(MetricModelSettings settings)
        {
            var model = MetricTraining.Train("server", Names, Samples(Normal, 1), settings);
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
        var model = MetricTraining.Train("server", Names, Samples(Normal, 1), Settings);
        var path = MetricModelFile.Save(model, _folder);
        var loaded = MetricModelFile.Load(path);
        var samples = Samples(100, 3);
        loaded.Score(samples).Select(score => score.Score).ShouldBe(model.Score(samples).Select(score => score.Score));
        loaded.Threshold.ShouldBe(model.Threshold);

        var whole = File.ReadAllBytes(path);
        foreach (var torn in new[] { whole[..^1], whole[..(whole.Length / 2)], [], [.. whole, (byte)'\n'] }) Refused(path, torn);
        Refused(path, Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(whole).Replace("\"disk\"", "\"disc\"", StringComparison.Ordinal)));
        Directory.EnumerateFiles(_folder).ShouldHaveSingleItem();
    }

    [Fact]
    public void A_file_whose_name_fits_and_that_is_no_model_is_refused_all_the_same()
    {
        foreach (var (content, said) in new[] { ("no model", "is not a model"), ("null", "is empty"), ("{\"Format\":2}", "is not a model") })
        {
            var bytes = Encoding.UTF8.GetBytes(content);
            var path = Path.Combine(_folder, $"x-{Convert.ToHexStringLower(SHA256.HashData(bytes))[..12]}.json");
            File.WriteAllBytes(path, bytes);
            Should.Throw<InvalidDataException>(() => MetricModelFile.Load(path)).Message.ShouldContain(said);
        }
    }

    [Fact]
    public void The_version_that_was_saved_last_is_in_force_and_nothing_stands_in_for_one_that_is_refused()
    {
        var first = MetricTraining.Train("server", Names, Samples(Normal, 1), Settings);
        var second = first.WithThreshold(first.Threshold * 2);
        MetricModelFolder.Save(first, _folder);
        var path = MetricModelFolder.Save(second, _folder);
        var loaded = MetricModelFolder.Load(_folder);
        loaded.Refused.ShouldBeEmpty();
        var inForce = loaded.InForce.ShouldHaveSingleItem();
        (inForce.Version, inForce.Model.Threshold).ShouldBe((MetricModelFile.Version(second), second.Threshold));

        File.AppendAllText(path, " ");
        var refused = MetricModelFolder.Load(_folder);
        refused.InForce.ShouldBeEmpty();
        refused.Refused.Count.ShouldBe(2);
        refused.Refused[1].ShouldEndWith($"server.current names version '{MetricModelFile.Version(second)}' of server, which is not there or was refused: server has no model.");

        File.Delete(Path.Combine(_folder, "server.current"));
        MetricModelFolder.Load(_folder).InForce.ShouldHaveSingleItem().Version.ShouldBe(MetricModelFile.Version(first));
        MetricModelFile.Save(second, _folder);
        MetricModelFolder.Load(_folder).Refused.ShouldHaveSingleItem().ShouldContain("holds 2 versions of server");
        Should.Throw<DirectoryNotFoundException>(() => MetricModelFolder.Load(Path.Combine(_folder, "absent")));
    }

    [Fact]
    public void What_judges_running_machines_computes_what_was_trained()
    {
        using var network = new Autoencoder(10, 3);
        var plain = new MetricNetwork(10, 3, network.Weights());
        var random = new Random(4);
        var sample = Enumerable.Range(0, 10).Select(_ => (float)((random.NextDouble() * 6) - 3)).ToArray();
        using var input = torch.tensor(sample, 1, 10);
        using var foretold = network.forward(input);
        var expected = foretold.data<float>().ToArray();
        plain.Residual(sample).Zip(sample.Zip(expected, (seen, said) => seen - said)).ShouldAllBe(pair => Math.Abs(pair.First - pair.Second) < 1e-5);
        Should.Throw<InvalidDataException>(() => new MetricNetwork(10, 4, network.Weights()));
    }

    [Fact]
    public void Several_machines_of_a_class_are_learned_from_together_and_what_is_no_number_is_refused()
    {
        List<double[]> Other(int count, int seed) => [.. Samples(count, seed).Select(sample => sample.Select(value => value + 3).ToArray())];
        var alone = MetricTraining.Train("server", Names, Samples(Normal, 1), Settings);
        alone.Score(Other(400, 3)).Count(score => score.Score > alone.ThresholdAt(0.999)).ShouldBe(400);
        var both = MetricTraining.Train("server", Names, [Samples(Normal, 1), Other(Normal, 2)], Settings);
        both.Score(Other(400, 3)).Count(score => score.Score > both.ThresholdAt(0.999)).ShouldBeLessThan(40);
        var broken = Samples(Normal, 1);
        broken[7][2] = double.NaN;
        Should.Throw<ArgumentException>(() => MetricTraining.Train("server", Names, broken, Settings)).Message.ShouldStartWith("Every value that is learned from is a finite number.");
    }

    [Fact]
    public void A_metric_that_was_not_measured_is_taken_to_be_normal_and_explains_nothing()
    {
        var model = MetricTraining.Train("server", Names, Samples(Normal, 1), Settings);
        var samples = Samples(300, 2);
        foreach (var sample in samples) sample[3] = double.NaN;
        var scores = model.Score(samples);
        scores.ShouldAllBe(score => score.Surprises[3] == 0 && double.IsFinite(score.Score));
        Should.Throw<ArgumentException>(() => model.Stream().Next([1])).Message.ShouldStartWith("The sample has 1 metrics, and the model 5.");
    }

    private static void Refused(string path, byte[] content)
    {
        File.WriteAllBytes(path, content);
        Should.Throw<InvalidDataException>(() => MetricModelFile.Load(path)).Message.ShouldContain("it was changed, torn or renamed.");
    }

    [Fact]
    public void Thresholds_come_from_normal_data_alone_the_stricter_the_fewer_alarms()
    {
        var model = MetricTraining.Train("server", Names, Samples(Normal, 1), Settings);
        model.ThresholdAt(0.999).ShouldBeGreaterThan(model.ThresholdAt(0.98));
        model.Threshold.ShouldBe(model.ThresholdAt(Settings.Quantile));
        model.ThresholdFor(1, Normal).ShouldBeGreaterThanOrEqualTo(model.ThresholdFor(10, Normal));
    }

    [Fact]
    public void Too_little_data_and_other_metrics_are_refused()
    {
        Should.Throw<ArgumentException>(() => MetricTraining.Train("server", Names, Samples(100, 1), Settings)).Message.ShouldStartWith("100 samples are too few");
        Should.Throw<ArgumentException>(() => MetricTraining.Train("server", ["one"], Samples(Normal, 1), Settings)).Message.ShouldStartWith("Every sample has 1 metrics.");
        Should.Throw<SettingsException>(() => MetricTraining.Train("server", Names, Samples(Normal, 1), Settings with { Folds = 1 })).Message.ShouldBe("MetricModelSettings: Folds is 1; it is at least 2.");
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
