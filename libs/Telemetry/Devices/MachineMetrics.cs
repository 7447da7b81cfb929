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

        ReadOnlySpan<DeviceMetric> metrics = taken.Metrics as DeviceMetric[] ?? [.. taken.Metrics];
        var last = Find(metrics);
        var isSuspicious = last is null ? Changed(metrics) || Suspicion.First(metrics, options) : Suspicion.Next(metrics, last.Metrics, options);
        if (isSuspicious)
        {
            _window ??= Before(taken.TakenAt, options);
            if (taken.TakenAt > _suspectedAt) _suspectedAt = taken.TakenAt;
        }

        last = Remember(last, taken, metrics, source, id, isBlind);
        if (_window is null) return DeviceVerdict.Nothing;
        Keep(last, options);
        if (taken.TakenAt - _suspectedAt <= options.Window) return new DeviceVerdict(DeviceDetectors.Judge(_window.Select(kept => kept.Snapshot), options), IsCalm: false);
        _window = null;
        return new DeviceVerdict([], IsCalm: true);
    }

    private Last? Find(ReadOnlySpan<DeviceMetric> metrics)
    {
        foreach (var last in _last)
        {
            if (last.Metrics.Length == metrics.Length && (metrics.Length == 0 || (metrics[0].Metric == last.Metrics[0].Metric && metrics[0].Device == last.Metrics[0].Device))) return last;
        }

        return null;
    }

    // Metrics of an exporter that is known, but not the same ones as before.
    private bool Changed(ReadOnlySpan<DeviceMetric> metrics)
    {
        if (metrics.IsEmpty) return false;
        var first = metrics[0];
        return _last.Exists(last => Array.Exists(last.Metrics, known => known.Metric == first.Metric && known.Device == first.Device));
    }

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

    private Last Remember(Last? last, DeviceMetricsTaken taken, ReadOnlySpan<DeviceMetric> metrics, string source, string id, bool isBlind)
    {
        if (last is null)
        {
            if (_last.Count == MostShapes) _last.RemoveAt(0);
            _last.Add(last = new Last { Since = taken.TakenAt, SinceId = id });
        }

        if (isBlind || _window is not null) (last.Since, last.SinceId) = (taken.TakenAt, id);
        last.Overwrite(metrics);
        (last.MachineId, last.At, last.Source) = (taken.MachineId, taken.TakenAt, source);
        last.Overwrite(id);
        return last;
    }

    private void Keep(Last last, DeviceDetectorOptions options)
    {
        var id = last.Id;
        if (!_window!.Exists(kept => kept.Snapshot.Id == id && kept.Snapshot.Source == last.Source)) _window.Add(new Kept(last.Snapshot(), last.At));
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
        private char[] _id = [];
        private int _idLength;

        public string MachineId { get; set; } = "";

        public KnownMetric[] Metrics { get; private set; } = [];

        public DateTimeOffset At { get; set; }

        public string Source { get; set; } = "";

        public DateTimeOffset Since { get; set; }

        public string SinceId { get; set; } = "";

        public string Id => new(_id.AsSpan(0, _idLength));

        public DeviceSnapshot Snapshot() => new(MachineId, At, [.. Metrics.Select(metric => new DeviceSample(metric.Device, metric.Metric, metric.Value))], Source, Id);

        // Values and id are written over those before, and names that are the same stay: whatever is kept of each message, collections of garbage have to find and to copy.
        public void Overwrite(ReadOnlySpan<DeviceMetric> metrics)
        {
            if (Metrics.Length != metrics.Length) Metrics = new KnownMetric[metrics.Length];
            for (var index = 0; index < metrics.Length; index++)
            {
                ref readonly var metric = ref metrics[index];
                ref var known = ref Metrics[index];
                if (known.Device == metric.Device && known.Metric == metric.Metric)
                    known.Value = metric.Value;
                else
                    known = KnownMetric.Of(metric);
            }
        }

        public void Overwrite(string id)
        {
            if (_id.Length < id.Length) _id = new char[id.Length];
            id.CopyTo(_id);
            _idLength = id.Length;
        }
    }
}
