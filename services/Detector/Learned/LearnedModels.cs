using TrainMover.Detection.Findings;
using TrainMover.Detection.Metrics;

namespace TrainMover.Detector.Learned;

/// <summary>The models that this process judges by, and why others are not used.</summary>
public sealed record LearnedModels(IReadOnlyList<VersionedModel> InForce, IReadOnlyList<string> Refused)
{
    public const string Setting = "TRAINMOVER_MODELS";

    public string Versions => string.Join(", ", InForce.Select(model => model.Version));

    /// <summary>Reads the folder, where one is named. A model that cannot be used leaves its class without one, and the other detectors at work.</summary>
    /// <exception cref="SettingsException">There is no such folder.</exception>
    public static LearnedModels Load(string? folder)
    {
        if (string.IsNullOrEmpty(folder)) return new LearnedModels([], []);
        try
        {
            var loaded = MetricModelFolder.Load(folder);
            return new LearnedModels(loaded.InForce, loaded.Refused);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"The folder of models {folder} ({Setting}) cannot be read: {unreadable.Message} Make one with ./trainmover train-detector.");
        }
    }
}
