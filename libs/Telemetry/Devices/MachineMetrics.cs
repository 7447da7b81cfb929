using TrainMover.Contracts.Telemetry;
using TrainMover.Telemetry.Metrics;

namespace TrainMover.Telemetry.Devices;

/// <summary>What is kept of one machine: the last values, and a window from the first suspicion until a whole window after the last.</summary>
internal sealed class MachineMetrics
{
    private const int MostSnapshots = 256;
    private const int MostShapes = 8;

    // A machine has several exporters, each with metrics of its own in an order of its own: the last message of each.
    private readonly List<Last> _last = new(1);
    private List<Kept>? _window;
    private DateTimeOffset _suspectedAt;
    private DateTimeOffset _latest;

    public void Suspect(DateTimeOffset now)
    {
        _window ??= [];
        _suspectedAt = now > _suspectedAt ? now : _suspectedAt;
    }

    public void Blind()
    {
        if (_window is not null && _latest > _suspectedAt) _suspectedAt = _latest;
    }

    public DeviceVerdict Take(DeviceMetricsTaken taken, string source, string id, DeviceDetectorOptions options)
    {
        var isBlind = _latest != default && taken.TakenAt - _latest > options.MostGap;
        if (_window is not null && isBlind && taken.TakenAt > _suspectedAt) _suspectedAt = taken.TakenAt;
        if (taken.TakenAt > _latest) _latest = taken.TakenAt;

        var last = Find(taken.Metrics);
        var isSuspicious = last is null ? Changed(taken.Metrics) || Suspicion.First(taken.Metrics, options) : Suspicion.Next(taken.Metrics, last.Metrics, options);
        if (isSuspicious)
        {
            _window ??= Before(taken.TakenAt, options);
            if (taken.TakenAt > _suspectedAt) _suspectedAt = taken.TakenAt;
        }

        last = Remember(last, taken, source, id, isBlind);
        if (_window is null) return DeviceVerdict.Nothing;
        Keep(last, options);
        if (taken.TakenAt - _suspectedAt <= options.Window) return new DeviceVerdict(DeviceDetectors.Judge(_window.Select(kept => kept.Snapshot), options), IsCalm: false);
        _window = null;
        return new DeviceVerdict([], IsCalm: true);
    }

    private Last? Find(IReadOnlyList<DeviceMetric> metrics)
    {
        foreach (var last in _last)
        {
            if (last.Metrics.Length == metrics.Count && (metrics.Count == 0 || (metrics[0].Metric == last.Metrics[0].Metric && metrics[0].Device == last.Metrics[0].Device))) return last;
        }

        return null;
    }

    // Metrics of an exporter that is known, but not the same ones as before.
    private bool Changed(IReadOnlyList<DeviceMetric> metrics) => metrics.Count > 0 && _last.Exists(last => Array.Exists(last.Metrics, known => known.Metric == metrics[0].Metric && known.Device == metrics[0].Device));

    // What was not kept was without suspicion, and so equal in all that counts: its ends stand for it, the first as long as the window reaches back into it.
    private List<Kept> Before(DateTimeOffset now, DeviceDetectorOptions options)
    {
        var window = new List<Kept>();
        foreach (var last in _last)
        {
            var snapshot = last.Snapshot();
            var since = now - options.Window > last.Since ? now - options.Window : last.Since;
            if (since < last.At) window.Add(new Kept(snapshot with { At = since, Id = last.SinceId }, last.At));
            window.Add(new Kept(snapshot, last.At));
        }

        return window;
    }

    private Last Remember(Last? last, DeviceMetricsTaken taken, string source, string id, bool isBlind)
    {
        if (last is null)
        {
            if (_last.Count == MostShapes) _last.RemoveAt(0);
            _last.Add(last = new Last { Since = taken.TakenAt, SinceId = id });
        }

        if (isBlind || _window is not null) (last.Since, last.SinceId) = (taken.TakenAt, id);
        last.Overwrite(taken.Metrics);
        (last.MachineId, last.At, last.Source, last.Id) = (taken.MachineId, taken.TakenAt, source, id);
        return last;
    }

    private void Keep(Last last, DeviceDetectorOptions options)
    {
        if (!_window!.Exists(kept => kept.Snapshot.Id == last.Id && kept.Snapshot.Source == last.Source)) _window.Add(new Kept(last.Snapshot(), last.At));
        var from = _latest - options.Window;
        _window.RemoveAll(kept => kept.Until < from);
        for (var index = 0; index < _window.Count; index++)
        {
            if (_window[index].Snapshot.At < from) _window[index] = _window[index] with { Snapshot = _window[index].Snapshot with { At = from } };
        }

        if (_window.Count > MostSnapshots) _window.RemoveAt(0);
    }

    private readonly record struct Kept(DeviceSnapshot Snapshot, DateTimeOffset Until);

    private sealed class Last
    {
        public string MachineId { get; set; } = "";

        public KnownMetric[] Metrics { get; private set; } = [];

        public DateTimeOffset At { get; set; }

        public string Source { get; set; } = "";

        public string Id { get; set; } = "";

        public DateTimeOffset Since { get; set; }

        public string SinceId { get; set; } = "";

        public DeviceSnapshot Snapshot() => new(MachineId, At, [.. Metrics.Select(metric => new DeviceSample(metric.Device, metric.Metric, metric.Value))], Source, Id);

        // Values are written over those before, and names that are the same stay: of a message that is kept whole, all garbage collections would have to copy all parts.
        public void Overwrite(IReadOnlyList<DeviceMetric> metrics)
        {
            if (Metrics.Length != metrics.Count) Metrics = new KnownMetric[metrics.Count];
            for (var index = 0; index < Metrics.Length; index++)
            {
                var (metric, known) = (metrics[index], Metrics[index]);
                Metrics[index] = known.Device == metric.Device && known.Metric == metric.Metric ? known with { Value = metric.Value } : new KnownMetric(metric.Device, metric.Metric, metric.Value);
            }
        }
    }
}
