using TrainMover.Telemetry.Devices;
using TrainMover.Telemetry.Metrics;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Telemetry.Tests.Devices;

public sealed class DeviceDetectorTests
{
    private const string Gpu = "GPU-1";

    private static readonly DeviceDetectorOptions Options = new();

    [Theory]
    [InlineData(0x40, DeviceTrouble.ThermalThrottle)]
    [InlineData(0x20, DeviceTrouble.ThermalThrottle)]
    [InlineData(0x08, DeviceTrouble.ClockThrottle)]
    [InlineData(0x80, DeviceTrouble.ClockThrottle)]
    [InlineData(0x01, null)]
    [InlineData(0x04, null)]
    public void Reasons_that_last_are_raised_and_those_set_on_purpose_are_not(int bits, DeviceTrouble? trouble)
    {
        Found(Series(DeviceMetrics.ClockReasons, [bits, bits, bits, bits, bits, bits, bits])).ShouldBe(trouble is null ? [] : [trouble.Value]);
        Found(Series(DeviceMetrics.ClockReasons, [bits, bits, bits, 0, bits, bits, bits])).ShouldBeEmpty("it was interrupted");
        Found(Series(DeviceMetrics.ClockReasons, [bits, bits, bits])).ShouldBeEmpty("it has not lasted");
    }

    [Fact]
    public void A_state_with_a_hole_in_its_samples_is_not_known_to_have_lasted() =>
        Found([Snapshot(0, (DeviceMetrics.ClockReasons, 0x40)), Snapshot(90, (DeviceMetrics.ClockReasons, 0x40))]).ShouldBeEmpty();

    [Fact]
    public void Time_lost_to_heat_and_the_temperature_itself_are_raised_too()
    {
        const double second = 1e9;
        Found(Series(DeviceMetrics.ThermalThrottled, [0, 3 * second, 6 * second, 9 * second, 12 * second, 15 * second, 18 * second, 21 * second])).ShouldBe([DeviceTrouble.ThermalThrottle]);
        Found(Series(DeviceMetrics.ThermalThrottled, [0, second, 2 * second, 3 * second, 4 * second, 5 * second, 6 * second, 7 * second])).ShouldBeEmpty();
        Found([.. Series(DeviceMetrics.Temperature, [93, 94, 95, 95, 95, 95, 95]), Snapshot(0, (DeviceMetrics.SlowdownTemperature, 93))]).ShouldBe([DeviceTrouble.ThermalThrottle]);
        Found(Series(DeviceMetrics.Temperature, [93, 94, 95, 95, 95, 95, 95])).ShouldBeEmpty("nobody says where the limit is");
    }

    [Theory]
    [InlineData(900, 95, true)]
    [InlineData(900, 10, false)]
    [InlineData(1500, 95, false)]
    public void A_clock_that_is_low_counts_while_the_device_is_busy(double clock, double utilization, bool raised)
    {
        var window = Enumerable.Range(0, 7).Select(i => Snapshot(10 * i, (DeviceMetrics.SmClock, clock), (DeviceMetrics.MaxSmClock, 1980), (DeviceMetrics.Utilization, utilization)));
        Found(window).ShouldBe(raised ? [DeviceTrouble.ClockThrottle] : []);
    }

    [Theory]
    [InlineData(DeviceMetrics.EccUncorrected, 5, 6, PolicyTier.Replace)]
    [InlineData(DeviceMetrics.EccUncorrected, 5, 5, null)]
    [InlineData(DeviceMetrics.EccUncorrected, 5, 0, null)]
    [InlineData(DeviceMetrics.RowRemapPending, 0, 1, PolicyTier.Replace)]
    [InlineData(DeviceMetrics.RowRemapFailure, 0, 1, PolicyTier.Replace)]
    [InlineData(DeviceMetrics.RowRemapPending, 1, 0, null)]
    [InlineData(DeviceMetrics.RetirementPending, 0, 2, PolicyTier.Reattempt)]
    public void Memory_that_fails_is_raised_and_what_was_before_is_not(string metric, double before, double after, PolicyTier? tier) =>
        DeviceDetectors.Judge(Series(metric, [before, after]), Options).Select(finding => (PolicyTier?)finding.Tier).ShouldBe(tier is null ? [] : [tier]);

    [Fact]
    public void A_link_that_breaks_again_and_again_flaps_and_one_that_broke_once_does_not()
    {
        Found(Series(DeviceMetrics.InfinibandLinkDowned, [7, 8, 9, 10])).ShouldBe([DeviceTrouble.LinkFlapping]);
        Found(Series(DeviceMetrics.InfinibandLinkDowned, [7, 8, 8, 8])).ShouldBeEmpty();
        Found(Series(DeviceMetrics.InfinibandState, [4, 1, 4, 1, 4, 2, 4])).ShouldBe([DeviceTrouble.LinkFlapping]);
    }

    [Fact]
    public void A_port_that_is_down_and_errors_on_a_link_are_raised()
    {
        Found(Series(DeviceMetrics.InfinibandState, [4, 1, 1, 1, 1, 1, 1, 1])).ShouldBe([DeviceTrouble.LinkError]);
        Found(Series(DeviceMetrics.NvLinkCrcData, [0, 50, 100, 150, 200, 250, 300])).ShouldBe([DeviceTrouble.LinkError]);
        Found(Series(DeviceMetrics.NvLinkCrcData, [1000, 1001, 1002, 1003, 1004, 1005, 1006])).ShouldBeEmpty();
    }

    [Fact]
    public void A_finding_names_machine_device_time_reason_and_evidence()
    {
        var finding = DeviceDetectors.Judge(Series(DeviceMetrics.ClockReasons, [0, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40]).Reverse(), Options).ShouldHaveSingleItem();
        (finding.MachineId, finding.Device, finding.Tier, finding.Since).ShouldBe(("m1", Gpu, PolicyTier.Replace, DateTimeOffset.UnixEpoch.AddSeconds(10)));
        finding.Reason.ShouldBe("Of GPU-1 of m1 the clock is kept down by heat for 60 s.");
        finding.Evidence.Select(evidence => (evidence.Source, evidence.Id, evidence.Metric, evidence.Value))
            .ShouldBe([("/test", "10", DeviceMetrics.ClockReasons, 0x40), ("/test", "70", DeviceMetrics.ClockReasons, 0x40)]);
    }

    [Fact]
    public void Each_setting_is_checked()
    {
        Options.BrokenRule().ShouldBeNull();
        (Options with { Lasting = TimeSpan.Zero }).BrokenRule().ShouldBe("Lasting is 00:00:00; it is positive.");
        (Options with { Window = Options.Lasting }).BrokenRule().ShouldBe("Window (00:01:00) is longer than Lasting (00:01:00).");
        (Options with { MostGap = TimeSpan.FromDays(1) }).BrokenRule().ShouldBe("MostGap (1.00:00:00) is positive, and no longer than Window (00:10:00).");
        (Options with { ThermalShare = double.NaN }).BrokenRule().ShouldBe("ThermalShare is NaN; it is above 0, at most 1.");
        (Options with { ClockShare = 1 }).BrokenRule().ShouldBe("ClockShare is 1; it lies between 0 and 1.");
        (Options with { BusyFrom = 0 }).BrokenRule().ShouldBe("BusyFrom is 0; it is above 0, at most 100.");
        (Options with { LinkErrorsPerMinute = 0 }).BrokenRule().ShouldBe("LinkErrorsPerMinute is 0; it is positive.");
        (Options with { FlappingTimes = 1 }).BrokenRule().ShouldBe("FlappingTimes is 1; it is at least 2.");
    }

    private static IEnumerable<DeviceTrouble> Found(IEnumerable<DeviceSnapshot> window) => DeviceDetectors.Judge(window, Options).Select(finding => finding.Trouble);

    private static IEnumerable<DeviceSnapshot> Series(string metric, double[] values) => values.Select((value, i) => Snapshot(10 * i, (metric, value)));

    private static DeviceSnapshot Snapshot(int second, params (string Metric, double Value)[] values) =>
        new("m1", DateTimeOffset.UnixEpoch.AddSeconds(second), [.. values.Select(value => new DeviceSample(Gpu, value.Metric, value.Value))], "/test", $"{second}");
}
