using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Findings;
using TrainMover.Detection.Learned;
using TrainMover.Detection.Live.Learned;
using TrainMover.Detection.Live.Tuning;
using TrainMover.Detection.Metrics;

namespace TrainMover.Detection.Live.Tests;

public sealed class LearnedWindowTests
{
    private const int Memory = 6;
    private static readonly string[] Names = ["load", "cpu", "memory", "disk", "net/packets"];
    private static readonly MetricModel Model = Trained();
    private static readonly string Version = MetricModelFile.Version(Model);
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly LearnedWindow _window = new([new VersionedModel(Version, Model)]);
    private int _minute;

    public LearnedWindowTests() => _window.Use(new LearnedMetricSettings { Classes = "m*=server" }, DetectorMode.LogOnly);

    [Fact]
    public void What_is_not_normal_is_found_once_with_score_threshold_version_and_the_metrics_that_explain_it_and_is_over_after_normal_samples()
    {
        Normal(100).ShouldBeEmpty();
        var found = Samples(10, ill: true).ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Found>().Finding;
        (found.MachineId, found.Cause, found.Severity, found.Detector).ShouldBe(("m1", InterruptionCause.MetricAnomaly, Severity.Replace, "learned-metrics"));
        found.InterruptionId.ShouldStartWith("m1-metric-anomaly-");
        found.Reason.ShouldStartWith("Metrics of m1 are not normal for server: score ");
        found.Evidence[0].Observation.ShouldContain($"model {Version}.");
        found.Evidence[0].Observation.ShouldContain($"threshold {Model.Threshold:0.###},");
        found.Evidence[1].Observation.ShouldStartWith("disk: ");
        found.Evidence[1].Observation.ShouldContain("% of the surprise");
        found.Evidence.ShouldAllBe(evidence => evidence.Source == "/exporter");
        found.RuledOut!.ShouldHaveSingleItem().ShouldStartWith("Noise: ");

        var over = Normal(60).ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Over>().Recovery;
        (over.MachineId, over.Detector).ShouldBe(("m1", "learned-metrics"));
        Samples(10, ill: true).ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Found>();
    }

    [Fact]
    public void A_sample_is_the_mean_of_an_interval_from_several_messages_in_any_order_and_devices()
    {
        var other = new LearnedWindow([new VersionedModel(Version, Model)]);
        other.Use(new LearnedMetricSettings { Classes = "m*=server" }, DetectorMode.LogOnly);
        Normal(100);
        _minute = 0;
        for (var minute = 0; minute < 100; minute++)
        {
            var metrics = Sample(minute, ill: false);
            var at = Start.AddMinutes(minute);
            Take(other, at.AddSeconds(50), [.. metrics.Skip(2)]).ShouldBeEmpty();
            Take(other, at.AddSeconds(10), [metrics[0], new DeviceMetric("gpu0", "cpu", metrics[1].Value - 1), new DeviceMetric("gpu1", "cpu", metrics[1].Value + 1)]).ShouldBeEmpty();
        }

        // Equal samples up to here give equal scores from here on.
        _minute = 100;
        var (one, two) = (new List<string>(), new List<string>());
        for (; _minute < 110; _minute++)
        {
            one.AddRange(Take(_window, Start.AddMinutes(_minute), Sample(_minute, ill: true)).Select(Said));
            two.AddRange(Take(other, Start.AddMinutes(_minute), Sample(_minute, ill: true)).Select(Said));
        }

        one.ShouldHaveSingleItem();
        two.ShouldBe(one);
    }

    [Fact]
    public void Blanks_missing_metrics_late_messages_and_clocks_that_run_ahead_are_told_once_and_judge_nobody()
    {
        Normal(20);
        Take(_window, Start.AddMinutes(3), Sample(3, ill: true)).ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Noted>().Reason.ShouldContain("they came after later ones");
        Take(_window, Start.AddMinutes(3), Sample(3, ill: true)).ShouldBeEmpty();
        Normal(5).ShouldBeEmpty();
        Take(_window, Start.AddYears(1), Sample(3, ill: true)).ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Noted>().Reason.ShouldContain("they are said to be of 2027-03-01");
        Normal(5).ShouldBeEmpty();

        // DCGM says blank with a number at the top of its type.
        DeviceMetric[] blank = [.. Sample(1, ill: true).Select(metric => metric with { Value = 9223372036854775794d })];
        for (var minute = 0; minute < 10; minute++) Take(_window, Start.AddMinutes(_minute++), [.. blank.Take(3), .. Sample(_minute, ill: false).Skip(3)]).OfType<LearnedOutcome.Found>().ShouldBeEmpty();
        Take(_window, Start.AddMinutes(_minute++), []).ShouldBeEmpty();
        var gone = new LearnedWindow([new VersionedModel(Version, Model)]);
        gone.Use(new LearnedMetricSettings { Classes = "m*=server" }, DetectorMode.LogOnly);
        var outcomes = Enumerable.Range(0, 10).SelectMany(minute => Take(gone, Start.AddMinutes(minute), [.. blank.Take(3), .. Sample(minute, ill: false).Skip(3)])).ToList();
        outcomes.ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Noted>().Reason.ShouldBe($"The metrics of m1 are not judged: 3 of the 5 metrics of {Version} are missing.");
    }

    [Fact]
    public void After_silence_and_after_a_source_was_blind_the_first_samples_settle()
    {
        Normal(20);
        _minute += 500;
        // The first message completes what was before the silence.
        Samples(Memory + 1, ill: true).ShouldBeEmpty();
        Samples(1, ill: true).ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Found>();

        Normal(60).ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Over>();
        _window.Take("/agent", "sight", new SourceSight("m1", "prometheus", IsBlind: true, "It does not answer."), Start).ShouldBeEmpty();
        Samples(Memory, ill: true).ShouldBeEmpty();
    }

    [Fact]
    public void A_machine_without_a_class_is_told_once_and_one_with_the_name_of_a_class_is_of_it()
    {
        var told = Enumerable.Range(0, 10).SelectMany(minute => Take(_window, Start.AddMinutes(minute), Sample(minute, ill: false), "web-1")).ToList();
        told.ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Noted>().Reason.ShouldBe("The metrics of web-1 are not judged: no model of class web-1 is in force.");
        var outcomes = Enumerable.Range(0, 40).SelectMany(minute => Take(_window, Start.AddMinutes(minute), Sample(minute, ill: minute > 20), "server")).ToList();
        outcomes.ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Found>().Finding.MachineId.ShouldBe("server");
    }

    [Fact]
    public void It_looks_at_nothing_while_it_is_off_or_has_no_model_and_takes_tuning_up_at_once()
    {
        new LearnedWindow([]).IsOff.ShouldBeTrue();
        _window.Use(new LearnedMetricSettings { Classes = "m*=server" }, DetectorMode.Off);
        Samples(30, ill: true).ShouldBeEmpty();
        _window.Use(new LearnedMetricSettings { Classes = "m*=server", Scale = 100 }, DetectorMode.LogOnly);
        Samples(30, ill: true).ShouldBeEmpty();
        _window.Use(new LearnedMetricSettings { Classes = "m*=server" }, DetectorMode.Enforce);
        Samples(1, ill: true).ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Found>();
    }

    [Fact]
    public void What_a_former_process_recorded_is_over_after_normal_samples()
    {
        _window.Remember([new InterruptionRaised("a", InterruptionKind.Expected, InterruptionCause.MetricAnomaly, Severity.Replace, ["m1"], "Because.", "learned-metrics-3", [])]);
        Normal(60).ShouldHaveSingleItem().ShouldBeOfType<LearnedOutcome.Over>();
    }

    [Fact]
    public void The_detector_only_logs_by_default_and_its_models_come_with_their_folder()
    {
        DetectorCatalogue.LearnedMetrics.DefaultMode.ShouldBe(DetectorMode.LogOnly);
        DetectorCatalogue.All.Where(kind => kind.DefaultMode != DetectorMode.Enforce).ShouldHaveSingleItem().Name.ShouldBe("learned-metrics");
        Change("Models", "mine").ShouldBe("learned-metrics: Models cannot be set; it follows from what the Detector was started with.");
        Change("Classes", "gpu").ShouldBe("learned-metrics: Classes holds 'gpu'; it is PATTERN=CLASS, separated by commas, for example gpu-*=gpu,web-1=web.");
        Change("Classes", "gpu-*=a/b").ShouldContain("Classes holds 'gpu-*=a/b'");
        Change("Scale", "0").ShouldBe("learned-metrics: Scale is 0; it goes from 0.1 to 100.");
        Change("Coverage", "1.5").ShouldBe("learned-metrics: Coverage is 1.5; it is above 0 and at most 1.");
        Change("Quiet", "0").ShouldBe("learned-metrics: Quiet is 0; it goes from 1 to 100000.");
    }

    private static string Change(string name, string value) =>
        Should.Throw<SettingsException>(() => DetectorCatalogue.LearnedMetrics.Change(DetectorCatalogue.LearnedMetrics.Defaults, [KeyValuePair.Create(name, value)])).Message;

    private static string Said(LearnedOutcome outcome) => ((LearnedOutcome.Found)outcome).Finding.Reason;

    private List<LearnedOutcome> Normal(int samples) => Samples(samples, ill: false);

    private List<LearnedOutcome> Samples(int samples, bool ill)
    {
        var outcomes = new List<LearnedOutcome>();
        for (var sample = 0; sample < samples; sample++, _minute++) outcomes.AddRange(Take(_window, Start.AddMinutes(_minute), Sample(_minute, ill)));
        return outcomes;
    }

    private static IReadOnlyList<LearnedOutcome> Take(LearnedWindow window, DateTimeOffset at, DeviceMetric[] metrics, string machine = "m1") =>
        window.Take("/exporter", $"{at:O}", new DeviceMetricsTaken(machine, at, metrics), Start.AddDays(30));

    // All metrics follow one load; each has a little noise of its own.
    private static DeviceMetric[] Sample(int minute, bool ill)
    {
        var values = Values(minute, new Random(minute + 10_000));
        if (ill) values[3] += 6;
        return [.. Names.Zip(values, (name, value) => name.IndexOf('/', StringComparison.Ordinal) is var slash and > 0 ? new DeviceMetric(name[..slash], name[(slash + 1)..], value) : new DeviceMetric("", name, value))];
    }

    private static double[] Values(int minute, Random random)
    {
        var load = Math.Sin(minute / 20.0);
        return [.. Enumerable.Range(0, Names.Length).Select(metric => (load * (metric + 1) / 3) + (random.NextDouble() * 0.1))];
    }

    private static MetricModel Trained()
    {
        var random = new Random(1);
        var model = MetricTraining.Train("server", Names, [.. Enumerable.Range(0, 1200).Select(minute => Values(minute, random))], new MetricModelSettings { Epochs = 6, Bottleneck = 0.2, Memory = Memory });
        return model.WithThreshold(model.ThresholdFor(1, 1200) * 1.5);
    }
}
