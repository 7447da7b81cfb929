using TrainMover.Telemetry.Metrics;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Telemetry.Devices;

/// <summary>A clock that is kept down for long, by heat or by something else. Power limits that are set on purpose are no fault.</summary>
internal static class Throttling
{
    // Bits of NVML's reasons.
    private const int HardwareSlowdown = 0x8;
    private const int SoftwareThermal = 0x20;
    private const int HardwareThermal = 0x40;
    private const int PowerBrake = 0x80;
    private const int Thermal = SoftwareThermal | HardwareThermal;
    private const int OtherFault = HardwareSlowdown | PowerBrake;

    public static DeviceFinding? Judge(DeviceWindow window, string device, DeviceDetectorOptions options) => ByHeat(window, device, options) ?? ByOther(window, device, options);

    private static DeviceFinding? ByHeat(DeviceWindow window, string device, DeviceDetectorOptions options)
    {
        var reasons = Lasting(window.Of(device, DeviceMetrics.ClockReasons), point => Has(point, Thermal), options);
        if (reasons.Count > 0)
            return Heat(reasons, DeviceMetrics.ClockReasons, $"the clock is kept down by heat for {DeviceDetectors.Lasted(reasons)}");

        var throttled = window.Of(device, DeviceMetrics.ThermalThrottled);
        var shares = throttled.Zip(throttled.Skip(1), (before, after) => new Point(
            after.At, Math.Max(0, after.Value - before.Value) / Math.Max(1, (after.At - before.At).TotalNanoseconds), after.Snapshot)).ToList();
        var slow = Lasting(shares, point => point.Value >= options.ThermalShare, options);
        if (slow.Count > 0)
            return Heat(slow, DeviceMetrics.ThermalThrottled, $"the clock is kept down by heat for {slow.Average(point => point.Value):0%} of the time over {DeviceDetectors.Lasted(slow)}");

        var limit = window.Of(device, DeviceMetrics.SlowdownTemperature);
        if (limit.Count == 0) return null;
        var hot = Lasting(window.Of(device, DeviceMetrics.Temperature), point => point.Value >= limit[^1].Value, options);
        return hot.Count == 0 ? null : Heat(hot, DeviceMetrics.Temperature, $"the temperature is {hot[^1].Value:0} degrees, where it slows itself down ({limit[^1].Value:0}), for {DeviceDetectors.Lasted(hot)}");

        DeviceFinding Heat(IReadOnlyList<Point> points, string metric, string what) =>
            DeviceDetectors.Found(window, device, DeviceTrouble.ThermalThrottle, PolicyTier.Replace, points, metric, what);
    }

    private static DeviceFinding? ByOther(DeviceWindow window, string device, DeviceDetectorOptions options)
    {
        var reasons = Lasting(window.Of(device, DeviceMetrics.ClockReasons), point => Has(point, OtherFault), options);
        if (reasons.Count > 0)
        {
            return DeviceDetectors.Found(
                window, device, DeviceTrouble.ClockThrottle, PolicyTier.Replace, reasons, DeviceMetrics.ClockReasons, $"the clock is kept down by its hardware or power supply for {DeviceDetectors.Lasted(reasons)}");
        }

        if (window.Of(device, DeviceMetrics.MaxSmClock) is not [.., var greatest]) return null;
        var slow = Lasting(window.Of(device, DeviceMetrics.SmClock), point => point.Value < options.ClockShare * greatest.Value
            && window.At(device, DeviceMetrics.Utilization, point) >= options.BusyFrom, options);
        return slow.Count == 0
            ? null
            : DeviceDetectors.Found(
                window, device, DeviceTrouble.ClockThrottle, PolicyTier.Replace, slow, DeviceMetrics.SmClock,
                $"the clock is {slow[^1].Value:0} of {greatest.Value:0} MHz while it is busy, for {DeviceDetectors.Lasted(slow)}");
    }

    private static IReadOnlyList<Point> Lasting(IReadOnlyList<Point> points, Func<Point, bool> has, DeviceDetectorOptions options)
    {
        var state = DeviceWindow.Unbroken(points, has, options.MostGap);
        return state.Count > 1 && state[^1].At - state[0].At >= options.Lasting ? state : [];
    }

    /// <summary>Whether the reasons for a low clock name heat or a fault.</summary>
    public static bool IsFault(double reasons) => Has(reasons, Thermal | OtherFault);

    private static bool Has(Point point, int bits) => Has(point.Value, bits);

    private static bool Has(double reasons, int bits) => reasons is >= 0 and < long.MaxValue && ((long)reasons & bits) != 0;
}
