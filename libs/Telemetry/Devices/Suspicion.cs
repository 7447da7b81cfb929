using System.Collections.Frozen;
using TrainMover.Contracts.Telemetry;
using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Devices;

/// <summary>A metric of a device as it was last.</summary>
internal readonly record struct KnownMetric(string Device, string Metric, double Value);

/// <summary>Whether a sample holds anything on which a detector of devices and links could ever base a finding. Errs on the side of suspicion.</summary>
internal static class Suspicion
{
    private enum Rule
    {
        // Of no concern to the detectors, or looked up beside another metric.
        None,

        // Suspicious once it changes.
        Counter,

        // Suspicious above zero.
        Flag,

        // Suspicious where a bit of a fault is set.
        Reasons,

        // Suspicious where the port is not active.
        State,

        // Suspicious from the slowdown temperature on.
        Temperature,

        // Suspicious below a share of the greatest clock.
        Clock,
    }

    private static readonly string[] Counters =
        [DeviceMetrics.ThermalThrottled, DeviceMetrics.EccUncorrected, .. DeviceDetectors.NvLinkErrors, .. DeviceDetectors.InfinibandErrors, .. DeviceDetectors.Interrupted];

    private static readonly FrozenDictionary<string, Rule> Rules = new Dictionary<string, Rule>(Counters.Select(counter => KeyValuePair.Create(counter, Rule.Counter)), StringComparer.Ordinal)
    {
        [DeviceMetrics.RowRemapFailure] = Rule.Flag,
        [DeviceMetrics.RowRemapPending] = Rule.Flag,
        [DeviceMetrics.RetirementPending] = Rule.Flag,
        [DeviceMetrics.ClockReasons] = Rule.Reasons,
        [DeviceMetrics.InfinibandState] = Rule.State,
        [DeviceMetrics.Temperature] = Rule.Temperature,
        [DeviceMetrics.SmClock] = Rule.Clock,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The first message of a machine: counters say nothing yet.</summary>
    public static bool First(IReadOnlyList<DeviceMetric> metrics, DeviceDetectorOptions options)
    {
        for (var index = 0; index < metrics.Count; index++)
        {
            if (IsSuspicious(metrics, index, options)) return true;
        }

        return false;
    }

    /// <summary>A message after another one with as many metrics.</summary>
    public static bool Next(IReadOnlyList<DeviceMetric> metrics, ReadOnlySpan<KnownMetric> before, DeviceDetectorOptions options)
    {
        for (var index = 0; index < metrics.Count; index++)
        {
            var (now, then) = (metrics[index], before[index]);
            // Metrics that come and go, or in another order: nothing is known of what was.
            if (now.Metric != then.Metric || now.Device != then.Device) return true;
            if (now.Value != then.Value && Rules.GetValueOrDefault(now.Metric) == Rule.Counter) return true;
            if (IsSuspicious(metrics, index, options)) return true;
        }

        return false;
    }

    private static bool IsSuspicious(IReadOnlyList<DeviceMetric> metrics, int index, DeviceDetectorOptions options)
    {
        var metric = metrics[index];
        return Rules.GetValueOrDefault(metric.Metric) switch
        {
            Rule.Flag => metric.Value > 0,
            Rule.Reasons => Throttling.IsFault(metric.Value),
            Rule.State => metric.Value != DeviceDetectors.Active,
            Rule.Temperature => Beside(metrics, index, DeviceMetrics.SlowdownTemperature) is { } limit && metric.Value >= limit,
            Rule.Clock => Beside(metrics, index, DeviceMetrics.MaxSmClock) is { } greatest && metric.Value < options.ClockShare * greatest
                && (Beside(metrics, index, DeviceMetrics.Utilization) is not { } busy || busy >= options.BusyFrom),
            _ => false,
        };
    }

    // Another metric of the same device: most exporters write them close together.
    private static double? Beside(IReadOnlyList<DeviceMetric> metrics, int index, string name)
    {
        var device = metrics[index].Device;
        for (var distance = 1; distance < metrics.Count; distance++)
        {
            var other = metrics[(index + distance) % metrics.Count];
            if (other.Metric == name && other.Device == device) return other.Value;
        }

        return null;
    }
}
