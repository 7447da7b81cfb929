using System.Text.Json;
using TrainMover.Contracts;
using TrainMover.Contracts.Detectors;

namespace TrainMover.Detection.Live.Tuning;

/// <summary>Modes by the names that events give them.</summary>
public static class DetectorModes
{
    /// <summary>All names, for messages.</summary>
    public static string Names { get; } = string.Join(", ", Enum.GetValues<DetectorMode>().Select(NameOf));

    /// <summary>Name of a mode: <c>off</c>, <c>log-only</c>, <c>enforce</c>.</summary>
    public static string NameOf(DetectorMode mode) => JsonSerializer.SerializeToElement(mode, Catalog.Json).GetString()!;

    /// <summary>The mode of a name; null where there is none.</summary>
    public static DetectorMode? Find(string name) => Enum.GetValues<DetectorMode>().Where(mode => NameOf(mode) == name).Select(mode => (DetectorMode?)mode).FirstOrDefault();
}
