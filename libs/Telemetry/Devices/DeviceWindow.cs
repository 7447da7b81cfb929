using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Devices;

/// <summary>A value in a window.</summary>
internal readonly record struct Point(DateTimeOffset At, double Value, DeviceSnapshot Snapshot);

/// <summary>The snapshots of one machine, by device and metric, in the order of their times.</summary>
internal sealed class DeviceWindow
{
    private static readonly IReadOnlyList<Point> Nothing = [];

    private readonly Dictionary<(string Device, string Metric), List<Point>> _series = [];

    public DeviceWindow(string machineId, IEnumerable<DeviceSnapshot> snapshots, TimeSpan length)
    {
        MachineId = machineId;
        var ordered = snapshots.OrderBy(snapshot => snapshot.At).ToList();
        var from = ordered[^1].At - length;
        foreach (var snapshot in ordered.Where(snapshot => snapshot.At >= from))
        {
            foreach (var sample in snapshot.Samples.Where(sample => double.IsFinite(sample.Value)))
            {
                if (!_series.TryGetValue((sample.Device, sample.Metric), out var points)) _series[(sample.Device, sample.Metric)] = points = [];
                points.Add(new Point(snapshot.At, sample.Value, snapshot));
            }
        }

        Devices = [.. _series.Keys.Select(key => key.Device).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    public string MachineId { get; }

    public IReadOnlyList<string> Devices { get; }

    public IReadOnlyList<Point> Of(string device, string metric) => _series.GetValueOrDefault((device, metric)) ?? Nothing;

    /// <summary>How far a counter grew; from where it started anew, it grows again.</summary>
    public static double Growth(IReadOnlyList<Point> counter) =>
        counter.Zip(counter.Skip(1), (before, after) => Math.Max(0, after.Value - before.Value)).Sum();

    /// <summary>The points at the end of a series that all have a property, and that lie close enough together to be one state.</summary>
    public static IReadOnlyList<Point> Unbroken(IReadOnlyList<Point> points, Func<Point, bool> has, TimeSpan mostGap)
    {
        var first = points.Count;
        while (first > 0 && has(points[first - 1]) && (first == points.Count || points[first].At - points[first - 1].At <= mostGap)) first--;
        return [.. points.Skip(first)];
    }

    /// <summary>The value of another metric at the time of a point, or just before.</summary>
    public double? At(string device, string metric, Point point)
    {
        double? last = null;
        foreach (var other in Of(device, metric))
        {
            if (other.At > point.At) break;
            last = other.Value;
        }

        return last;
    }
}
