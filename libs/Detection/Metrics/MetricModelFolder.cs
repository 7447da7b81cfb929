using System.Text;

namespace TrainMover.Detection.Metrics;

/// <summary>A model that is in force for a class of machines.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Model">The model.</param>
public sealed record VersionedModel(string Version, MetricModel Model);

/// <summary>
/// A folder of models, with any number of versions of each class. The file <c>CLASS.current</c> holds the version that is in force; without it a class has to have one version alone.
/// </summary>
/// <param name="InForce">The models in force, ordered by class.</param>
/// <param name="Refused">Why a file, or a class, is not used: one sentence each.</param>
public sealed record MetricModelFolder(IReadOnlyList<VersionedModel> InForce, IReadOnlyList<string> Refused)
{
    private const string Pointer = ".current";

    /// <summary>Writes a model, and puts it in force for its class.</summary>
    /// <returns>Path of its file.</returns>
    /// <exception cref="ArgumentException">The class of machines has a name that no file can have.</exception>
    public static string Save(MetricModel model, string folder)
    {
        var path = MetricModelFile.Save(model, folder);
        MetricModelFile.WriteWhole(Path.Combine(folder, $"{model.MachineClass}{Pointer}"), Encoding.UTF8.GetBytes($"{Path.GetFileNameWithoutExtension(path)}\n"));
        return path;
    }

    /// <summary>Reads a folder. A class whose model cannot be used has none: an older one does not stand in for it unasked.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static MetricModelFolder Load(string folder)
    {
        var (models, refused) = (new List<VersionedModel>(), new List<string>());
        foreach (var path in Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal))
        {
            try
            {
                models.Add(new VersionedModel(Path.GetFileNameWithoutExtension(path), MetricModelFile.Load(path)));
            }
            catch (Exception unusable) when (unusable is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                refused.Add(unusable.Message);
            }
        }

        var pointers = Directory.GetFiles(folder, $"*{Pointer}").ToDictionary(path => Path.GetFileNameWithoutExtension(path), path => File.ReadAllText(path).Trim(), StringComparer.Ordinal);
        var inForce = new List<VersionedModel>();
        foreach (var name in models.Select(model => model.Model.MachineClass).Union(pointers.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var versions = models.Where(model => model.Model.MachineClass == name).ToList();
            var chosen = pointers.TryGetValue(name, out var wanted) ? versions.Find(model => model.Version == wanted) : versions is [var only] ? only : null;
            if (chosen is not null) inForce.Add(chosen);
            else if (wanted is not null) refused.Add($"{Path.Combine(folder, name + Pointer)} names version '{wanted}' of {name}, which is not there or was refused: {name} has no model.");
            else refused.Add($"{folder} holds {versions.Count} versions of {name} ({string.Join(", ", versions.Select(model => model.Version))}), and no {name}{Pointer} says which is in force: {name} has no model.");
        }

        return new MetricModelFolder(inForce, refused);
    }
}
