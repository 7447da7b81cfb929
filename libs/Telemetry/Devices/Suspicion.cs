using System.Collections.Frozen;
using TrainMover.Contracts.Telemetry;
using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Devices;

/// <summary>What is suspicious about a metric.</summary>
internal enum SuspicionRule
{
    /// <summary>Of no concern to the detectors, or looked up beside another metric.</summary>
    None,

    /// <summary>Suspicious once it changes.</summary>
    Counter,

    /// <summary>Suspicious above zero.</summary>
    Flag,

    /// <summary>Suspicious where a bit of a fault is set.</summary>
    Reasons,

    /// <summary>Suspicious where the port is not active.</summary>
    State,

    /// <summary>Suspicious from the slowdown temperature on.</summary>
    Temperature,

    /// <summary>Suspicious below a share of the greatest clock.</summary>
    Clock,
}

/// <summary>A metric of a device, what is suspicious about it, and its last value.</summary>
internal record struct KnownMetric(string Device, string Metric, SuspicionRule Rule)
{
    public double Value { get; set; }

    public static KnownMetric Of(in DeviceMetric metric) => new(metric.Device, metric.Metric, Suspicion.RuleOf(metric.Metric)) { Value = metric.Value };
}

/// <summary>Whether a sample holds anything on which a detector of devices and links could ever base a finding. Errs on the side of suspicion.</summary>
internal static class Suspicion
{
    private static readonly string[] Counters =
        [DeviceMetrics.ThermalThrottled, DeviceMetrics.EccUncorrected, .. DeviceDetectors.NvLinkErrors, .. DeviceDetectors.InfinibandErrors, .. DeviceDetectors.Interrupted];

    private static readonly FrozenDictionary<string, SuspicionRule> Rules = new Dictionary<string, SuspicionRule>(Counters.Select(counter => KeyValuePair.Create(counter, SuspicionRule.Counter)), StringComparer.Ordinal)
    {
        [DeviceMetrics.RowRemapFailure] = SuspicionRule.Flag,
        [DeviceMetrics.RowRemapPending] = SuspicionRule.Flag,
        [DeviceMetrics.RetirementPending] = SuspicionRule.Flag,
        [DeviceMetrics.ClockReasons] = SuspicionRule.Reasons,
        [DeviceMetrics.InfinibandState] = SuspicionRule.State,
        [DeviceMetrics.Temperature] = SuspicionRule.Temperature,
        [DeviceMetrics.SmClock] = SuspicionRule.Clock,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The first message of a machine: counters say nothing yet.</summary>
    public static bool First(ReadOnlySpan<DeviceMetric> metrics, DeviceDetectorOptions options)
    {
        for (var index = 0; index < metrics.Length; index++)
        {
            if (IsSuspicious(RuleOf(metrics[index].Metric), metrics, index, options)) return true;
        }

        return false;
    }

    /// <summary>A message after another one with as many metrics.</summary>
    public static bool Next(ReadOnlySpan<DeviceMetric> metrics, ReadOnlySpan<KnownMetric> before, DeviceDetectorOptions options)
    {
        for (var index = 0; index < metrics.Length; index++)
        {
            ref readonly var now = ref metrics[index];
            ref readonly var then = ref before[index];
            // Metrics that come and go, or in another order: nothing is known of what was.
            if (now.Metric != then.Metric || now.Device != then.Device) return true;
            if (then.Rule == SuspicionRule.Counter && now.Value != then.Value) return true;
            if (IsSuspicious(then.Rule, metrics, index, options)) return true;
        }

        return false;
    }

    /// <summary>The rule of a metric.</summary>
    public static SuspicionRule RuleOf(string metric) => Rules.GetValueOrDefault(metric);

    private static bool IsSuspicious(SuspicionRule rule, ReadOnlySpan<DeviceMetric> metrics, int index, DeviceDetectorOptions options)
    {
        ref readonly var metric = ref metrics[index];
        return rule switch
        {
            SuspicionRule.Flag => metric.Value > 0,
            SuspicionRule.Reasons => Throttling.IsFault(metric.Value),
            SuspicionRule.State => metric.Value != DeviceDetectors.Active,
            SuspicionRule.Temperature => Beside(metrics, index, DeviceMetrics.SlowdownTemperature) is { } limit && metric.Value >= limit,
            SuspicionRule.Clock => Beside(metrics, index, DeviceMetrics.MaxSmClock) is { } greatest && metric.Value < options.ClockShare * greatest
                && (Beside(metrics, index, DeviceMetrics.Utilization) is not { } busy || busy >= options.BusyFrom),
            _ => false,
        };
    }

    // Another metric of the same device: most exporters write them close together.
    private static double? Beside(ReadOnlySpan<DeviceMetric> metrics, int index, string name)
    {
        var device = metrics[index].Device;
        for (var distance = 1; distance < metrics.Length; distance++)
        {
            ref readonly var other = ref metrics[(index + distance) % metrics.Length];
            if (other.Metric == name && other.Device == device) return other.Value;
        }

        return null;
    }
}
