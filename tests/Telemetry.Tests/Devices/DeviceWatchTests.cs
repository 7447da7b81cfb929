using TrainMover.Contracts.Telemetry;
using TrainMover.Telemetry.Devices;
using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Tests.Devices;

public sealed class DeviceWatchTests
{
    private static readonly DateTimeOffset Begin = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly DeviceDetectorOptions Options = new() { Window = TimeSpan.FromMinutes(4), Lasting = TimeSpan.FromSeconds(30) };

    private readonly DeviceWatch _watch = new(Options);
    private int _messages;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void What_is_found_is_what_is_found_over_all_samples_of_the_window(int seed)
    {
        var random = new Random(seed);
        var all = new List<DeviceSnapshot>();
        var values = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            [DeviceMetrics.Temperature] = 60,
            [DeviceMetrics.SlowdownTemperature] = 90,
            [DeviceMetrics.SmClock] = 1900,
            [DeviceMetrics.MaxSmClock] = 1980,
            [DeviceMetrics.Utilization] = 95,
            [DeviceMetrics.ClockReasons] = 0,
            [DeviceMetrics.EccUncorrected] = 3,
            [DeviceMetrics.InfinibandState] = 4,
            [DeviceMetrics.InfinibandLinkDowned] = 1,
            [DeviceMetrics.InfinibandReceiveErrors] = 50,
        };
        var (seconds, found, quiet) = (0, 0, 0);
        for (var step = 0; step < 600; step++)
        {
            seconds += random.Next(100) == 0 ? 120 : 5;
            if (step % 60 == 0) Change(values, random);
            if (values[DeviceMetrics.InfinibandReceiveErrors] > 1000) values[DeviceMetrics.InfinibandReceiveErrors] += 20;
            var metrics = values.Select(value => new DeviceMetric("d", value.Key, value.Value)).ToList();
            var at = Begin.AddSeconds(seconds);
            all.Add(new DeviceSnapshot("m1", at, [.. metrics.Select(metric => new DeviceSample(metric.Device, metric.Metric, metric.Value))], "/s", $"{step}"));

            var expected = DeviceDetectors.Judge(all, Options).Select(one => (one.Trouble, one.Tier)).ToList();
            _watch.Take(new DeviceMetricsTaken("m1", at, metrics), "/s", $"{step}").Findings.Select(one => (one.Trouble, one.Tier)).ToList().ShouldBe(expected, $"step {step}");
            if (expected.Count > 0) found++;
            else quiet++;
        }

        found.ShouldBeGreaterThan(0);
        quiet.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void A_message_that_comes_again_changes_nothing_and_gives_the_same_findings()
    {
        Take("m1", 0, downed: 1);
        var message = new DeviceMetricsTaken("m1", Begin.AddSeconds(5), [new DeviceMetric("ib0", DeviceMetrics.InfinibandLinkDowned, 4)]);
        var first = _watch.Take(message, "/s", "again").Findings.ShouldHaveSingleItem();
        var second = _watch.Take(message, "/s", "again").Findings.ShouldHaveSingleItem();
        (second.Reason, second.Trouble).ShouldBe((first.Reason, first.Trouble));
        first.Trouble.ShouldBe(DeviceTrouble.LinkFlapping);
    }

    [Fact]
    public void A_machine_is_calm_once_a_whole_window_gave_no_cause_and_not_while_nobody_looks()
    {
        Take("m1", 0, downed: 1);
        Take("m1", 5, downed: 2).IsCalm.ShouldBeFalse();
        for (var at = 10; at <= 240; at += 5) Take("m1", at, downed: 2).IsCalm.ShouldBeFalse();
        Take("m1", 500, downed: 2).IsCalm.ShouldBeFalse();
        for (var at = 505; at <= 740; at += 5) Take("m1", at, downed: 2).IsCalm.ShouldBeFalse();
        Take("m1", 745, downed: 2).IsCalm.ShouldBeTrue();
        Take("m1", 750, downed: 2).IsCalm.ShouldBeFalse();
    }

    [Fact]
    public void A_machine_that_was_suspected_before_is_calm_after_a_window_as_well()
    {
        _watch.Suspect("m1", Begin);
        for (var at = 0; at <= 240; at += 5) Take("m1", at, downed: 2).IsCalm.ShouldBeFalse();
        Take("m1", 245, downed: 2).IsCalm.ShouldBeTrue();
    }

    [Fact]
    public void Two_exporters_of_a_machine_do_not_hide_each_other()
    {
        for (var at = 0; at < 20; at += 5)
        {
            Take("m1", at, downed: 1);
            _watch.Take(new DeviceMetricsTaken("m1", Begin.AddSeconds(at + 1), [new DeviceMetric("gpu0", DeviceMetrics.EccUncorrected, 0)]), "/s", $"gpu-{at}").ShouldBe(DeviceVerdict.Nothing);
        }

        Take("m1", 20, downed: 4).Findings.ShouldHaveSingleItem().Trouble.ShouldBe(DeviceTrouble.LinkFlapping);
        _watch.Take(new DeviceMetricsTaken("m1", Begin.AddSeconds(21), [new DeviceMetric("gpu0", DeviceMetrics.EccUncorrected, 1)]), "/s", "gpu-21").Findings
            .Select(found => found.Trouble).Order().ShouldBe([DeviceTrouble.MemoryError, DeviceTrouble.LinkFlapping]);
    }

    [Fact]
    public void Looking_at_a_machine_that_is_well_allocates_nothing()
    {
        var messages = Enumerable.Range(0, 2000).Select(number => new DeviceMetricsTaken("m1", Begin.AddSeconds(number), [new DeviceMetric("d", DeviceMetrics.Temperature, 60 + (number % 5)), new DeviceMetric("d", DeviceMetrics.SlowdownTemperature, 90)])).ToList();
        foreach (var message in messages.Take(1000)) _watch.Take(message, "/s", "id");
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var message in messages.Skip(1000)) _watch.Take(message, "/s", "id");
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(100_000);
    }

    private static void Change(Dictionary<string, double> values, Random random)
    {
        switch (random.Next(8))
        {
            case 0: values[DeviceMetrics.Temperature] = random.Next(2) == 0 ? 95 : 60; break;
            case 1: values[DeviceMetrics.SmClock] = random.Next(2) == 0 ? 900 : 1900; break;
            case 2: values[DeviceMetrics.ClockReasons] = random.Next(2) == 0 ? 0x40 : 4; break;
            case 3: values[DeviceMetrics.EccUncorrected]++; break;
            case 4: values[DeviceMetrics.InfinibandState] = random.Next(2) == 0 ? 1 : 4; break;
            case 5: values[DeviceMetrics.InfinibandLinkDowned] += random.Next(5); break;
            case 6: values[DeviceMetrics.InfinibandReceiveErrors] = 2000; break;
            default: values[DeviceMetrics.InfinibandReceiveErrors] = 10; break;
        }
    }

    private DeviceVerdict Take(string machine, int seconds, int downed) =>
        _watch.Take(new DeviceMetricsTaken(machine, Begin.AddSeconds(seconds), [new DeviceMetric("ib0", DeviceMetrics.InfinibandLinkDowned, downed)]), "/s", $"{++_messages}");
}
