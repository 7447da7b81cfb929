using TrainMover.Detection.Metrics;

namespace TrainMover.Detection.Live.Learned;

/// <summary>A model in force, and where its metrics are found in telemetry: <c>METRIC</c> is the mean over the devices of a machine that have it, <c>DEVICE/METRIC</c> that of one device.</summary>
internal sealed class ClassModel
{
    private readonly Dictionary<string, int> _ofAnyDevice = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Device, string Metric), int> _ofOneDevice = [];

    public ClassModel(VersionedModel model)
    {
        (Version, Model) = (model.Version, model.Model);
        foreach (var (place, name) in Model.Metrics.Index())
        {
            _ofAnyDevice.TryAdd(name, place);
            for (var slash = name.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = name.IndexOf('/', slash + 1)) _ofOneDevice.TryAdd((name[..slash], name[(slash + 1)..]), place);
        }
    }

    public string Version { get; }

    public MetricModel Model { get; }

    /// <summary>Place of a metric in a sample; -1 where the model does not know it.</summary>
    public int PlaceOf(string device, string metric) => _ofOneDevice.Count > 0 && _ofOneDevice.TryGetValue((device, metric), out var one) ? one : _ofAnyDevice.GetValueOrDefault(metric, -1);
}
