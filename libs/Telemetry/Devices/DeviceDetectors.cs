using TrainMover.Telemetry.Metrics;
using TrainMover.Telemetry.Policy;

namespace TrainMover.Telemetry.Devices;

/// <summary>Detectors over metrics of devices and links. They depend on their arguments alone; a metric that nobody reports proves nothing.</summary>
public static class DeviceDetectors
{
    private const string Infiniband = "infiniband";
    /// <summary>State of an InfiniBand port that works.</summary>
    internal const double Active = 4;

    internal static readonly string[] NvLinkErrors = [DeviceMetrics.NvLinkCrcFlit, DeviceMetrics.NvLinkCrcData, DeviceMetrics.NvLinkReplays];
    internal static readonly string[] InfinibandErrors = [DeviceMetrics.InfinibandReceiveErrors, DeviceMetrics.InfinibandTransmitDiscards];
    internal static readonly string[] Interrupted = [DeviceMetrics.InfinibandLinkDowned, DeviceMetrics.InfinibandLinkRecoveries, DeviceMetrics.NvLinkRecoveries];

    /// <summary>What is wrong at the end of a window, by machine, device and trouble.</summary>
    /// <param name="window">Snapshots of any machines, in any order; each machine's window ends with its latest one.</param>
    /// <param name="options">Settings.</param>
    public static IReadOnlyList<DeviceFinding> Judge(IEnumerable<DeviceSnapshot> window, DeviceDetectorOptions options) =>
    [
        .. window.GroupBy(snapshot => snapshot.MachineId, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => new DeviceWindow(group.Key, group, options.Window))
            .SelectMany(machine => machine.Devices.SelectMany(device => Judge(machine, device, options))),
    ];

    private static IEnumerable<DeviceFinding> Judge(DeviceWindow window, string device, DeviceDetectorOptions options) =>
        new[] { Throttling.Judge(window, device, options), Memory(window, device), Flapping(window, device, options) ?? LinkErrors(window, device, options) }.OfType<DeviceFinding>();

    // Row remapping that failed or waits, and errors that appeared within the window; what a counter had before says nothing.
    private static DeviceFinding? Memory(DeviceWindow window, string device)
    {
        var uncorrected = window.Of(device, DeviceMetrics.EccUncorrected);
        if (DeviceWindow.Growth(uncorrected) is > 0 and var errors)
            return Found(window, device, DeviceTrouble.MemoryError, PolicyTier.Replace, uncorrected, DeviceMetrics.EccUncorrected, $"{errors:0} memory errors could not be corrected");
        var failed = window.Of(device, DeviceMetrics.RowRemapFailure);
        if (failed is [.., { Value: > 0 }])
            return Found(window, device, DeviceTrouble.MemoryError, PolicyTier.Replace, Set(failed), DeviceMetrics.RowRemapFailure, "rows of its memory could not be remapped");
        var pending = window.Of(device, DeviceMetrics.RowRemapPending);
        if (pending is [.., { Value: > 0 }])
            return Found(window, device, DeviceTrouble.MemoryError, PolicyTier.Replace, Set(pending), DeviceMetrics.RowRemapPending, "rows of its memory wait for a reset of the device to be remapped");
        var retiring = window.Of(device, DeviceMetrics.RetirementPending);
        return retiring is [.., { Value: > 0 }]
            ? Found(window, device, DeviceTrouble.MemoryError, PolicyTier.Reattempt, Set(retiring), DeviceMetrics.RetirementPending, "pages of its memory wait for being taken out of service")
            : null;

        static IReadOnlyList<Point> Set(IReadOnlyList<Point> points) => DeviceWindow.Unbroken(points, point => point.Value > 0, TimeSpan.MaxValue);
    }

    private static DeviceFinding? Flapping(DeviceWindow window, string device, DeviceDetectorOptions options)
    {
        foreach (var metric in Interrupted)
        {
            var counter = window.Of(device, metric);
            if (DeviceWindow.Growth(counter) is var times && times >= options.FlappingTimes)
                return Found(window, device, DeviceTrouble.LinkFlapping, PolicyTier.Replace, counter, metric, $"its link broke {times:0} times in {Lasted(counter)}");
        }

        var states = window.Of(device, DeviceMetrics.InfinibandState);
        var falls = states.Zip(states.Skip(1)).Count(pair => pair.First.Value == Active && pair.Second.Value != Active);
        return falls >= options.FlappingTimes
            ? Found(window, device, DeviceTrouble.LinkFlapping, PolicyTier.Replace, states, DeviceMetrics.InfinibandState, $"its port left the active state {falls} times in {Lasted(states)}")
            : null;
    }

    private static DeviceFinding? LinkErrors(DeviceWindow window, string device, DeviceDetectorOptions options)
    {
        var down = DeviceWindow.Unbroken(window.Of(device, DeviceMetrics.InfinibandState), point => point.Value != Active, options.MostGap);
        if (down.Count > 1 && down[^1].At - down[0].At >= options.Lasting)
            return Found(window, device, DeviceTrouble.LinkError, PolicyTier.Replace, down, DeviceMetrics.InfinibandState, $"its port is not active for {Lasted(down)}");
        foreach (var metric in NvLinkErrors.Concat(InfinibandErrors))
        {
            var counter = window.Of(device, metric);
            if (counter.Count < 2 || counter[^1].At - counter[0].At < options.Lasting) continue;
            var perMinute = DeviceWindow.Growth(counter) / (counter[^1].At - counter[0].At).TotalMinutes;
            if (perMinute < options.LinkErrorsPerMinute) continue;
            var kind = metric.Contains(Infiniband, StringComparison.Ordinal) ? "InfiniBand port" : "NVLinks";
            return Found(window, device, DeviceTrouble.LinkError, PolicyTier.Reattempt, counter, metric, $"its {kind} had {perMinute:0} errors a minute over {Lasted(counter)}");
        }

        return null;
    }

    internal static DeviceFinding Found(DeviceWindow window, string device, DeviceTrouble trouble, PolicyTier tier, IReadOnlyList<Point> points, string metric, string what)
    {
        IEnumerable<Point> ends = points.Count == 1 ? points : [points[0], points[^1]];
        return new DeviceFinding(
            window.MachineId, device, trouble, tier, points[0].At, $"Of {device} of {window.MachineId} {what}.",
            [.. ends.Select(point => new DeviceEvidence(point.Snapshot.Source, point.Snapshot.Id, point.At, metric, point.Value))]);
    }

    internal static string Lasted(IReadOnlyList<Point> points) => $"{(points[^1].At - points[0].At).TotalSeconds:0} s";
}
