using System.Text.Json.Serialization;

namespace TrainMover.Contracts.Detectors;

/// <summary>What becomes of what a detector finds.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DetectorMode>))]
public enum DetectorMode
{
    /// <summary>Nothing: it is paused.</summary>
    [JsonStringEnumMemberName("off")] Off,

    /// <summary>It is recorded as a suppressed interruption, on which nobody acts.</summary>
    [JsonStringEnumMemberName("log-only")] LogOnly,

    /// <summary>It is raised as an interruption.</summary>
    [JsonStringEnumMemberName("enforce")] Enforce,
}

/// <summary>A setting of a detector.</summary>
/// <param name="Name">Name, for example <c>HeartbeatTimeout</c>.</param>
/// <param name="Value">Value as text, for example <c>1.5s</c>, <c>0.6</c>.</param>
public sealed record DetectorSetting(string Name, string Value);

/// <summary>Mode and settings under which a detector judges from now on: as configured at its first start, or as an operator wants it.</summary>
/// <param name="Detector">The detector, for example <c>hang</c>.</param>
/// <param name="Mode">What becomes of what it finds.</param>
/// <param name="Settings">All of its settings, sorted by name.</param>
/// <param name="Version">Counts the changes, from 1; interruptions name it.</param>
/// <param name="Who">Who changed it; <c>configuration</c> where the service's own configuration did.</param>
/// <param name="Why">Why, in one plain sentence.</param>
[EventType("trainmover.detector.tuned.v1", Topics.Detectors)]
public sealed record DetectorTuned(string Detector, DetectorMode Mode, IReadOnlyList<DetectorSetting> Settings, int Version, string Who, string Why);
