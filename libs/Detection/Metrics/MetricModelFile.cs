using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace TrainMover.Detection.Metrics;

/// <summary>A model as a file: JSON, with weights as base64 of 32-bit floats. The version is a digest of the content: equal models have equal versions, and a file that was changed or torn is refused.</summary>
public static partial class MetricModelFile
{
    private const int Format = 2;
    private const int VersionLength = 12;

    private static readonly JsonSerializerOptions Strict = new() { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>Version of a model: the class of machines, and the first 12 hex digits of the SHA-256 of its content.</summary>
    public static string Version(MetricModel model) => Version(model.MachineClass, Content(model));

    /// <summary>Whether a class of machines may have this name: letters, digits, dots, dashes and underscores, at most 64, the first a letter or a digit.</summary>
    public static bool IsName(string machineClass) => ClassName().IsMatch(machineClass);

    /// <summary>Writes a model to <c>FOLDER/VERSION.json</c>, whole or not at all.</summary>
    /// <returns>Path of the file.</returns>
    /// <exception cref="ArgumentException">The class of machines has a name that no file can have.</exception>
    public static string Save(MetricModel model, string folder)
    {
        if (!IsName(model.MachineClass)) throw new ArgumentException($"'{model.MachineClass}' is no name of a class of machines: letters, digits, dots, dashes and underscores, at most 64.", nameof(model));
        var content = Content(model);
        var path = Path.Combine(folder, $"{Version(model.MachineClass, content)}.json");
        WriteWhole(path, content);
        return path;
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="InvalidDataException">It is not a model, of another format, or was changed.</exception>
    public static MetricModel Load(string path)
    {
        var content = File.ReadAllBytes(path);
        var name = Path.GetFileNameWithoutExtension(path);
        var machineClass = name.Length > VersionLength + 1 ? name[..^(VersionLength + 1)] : "";
        if (machineClass.Length == 0 || Version(machineClass, content) != name)
            throw new InvalidDataException($"{path} does not hold the model that its name says: it was changed, torn or renamed. Copy it anew, or train it again.");
        try
        {
            var written = JsonSerializer.Deserialize<Written>(content, Strict) ?? throw new InvalidDataException($"{path} is empty.");
            return Model(written, path, machineClass);
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} is not a model: {exception.Message}", exception);
        }
    }

    internal static void WriteWhole(string path, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var half = $"{path}.tmp";
        using (var file = File.Create(half))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(half, path, overwrite: true);
    }

    private static MetricModel Model(Written written, string path, string machineClass)
    {
        if (written.Format != Format) throw new InvalidDataException($"{path} has format {written.Format}; {Format} is understood. Train it again.");
        var (metrics, features) = (written.Metrics.Count, 2 * written.Metrics.Count);
        if (written.MachineClass != machineClass || metrics == 0 || written.Mean.Length != metrics || written.Spread.Length != metrics || written.Usual.Length != features || written.Calibration.Length == 0)
            throw new InvalidDataException($"{path} is not a model: its parts do not fit together.");
        if (written.Settings.BrokenRule() is { } rule) throw new InvalidDataException($"{path} is not a model: {rule}");
        var weights = written.Weights.ToDictionary(weight => weight.Key, weight => MemoryMarshal.Cast<byte, float>(weight.Value).ToArray(), StringComparer.Ordinal);
        var network = new MetricNetwork(features, MetricNetwork.Narrow(features, written.Settings.Bottleneck), weights);
        return new MetricModel(
            machineClass, written.Metrics, written.Settings, new MetricFeatures(written.Mean, written.Spread, written.Settings.Memory), network, written.Usual, written.Calibration, written.Threshold);
    }

    private static string Version(string machineClass, ReadOnlySpan<byte> content) => $"{machineClass}-{Convert.ToHexStringLower(SHA256.HashData(content))[..VersionLength]}";

    private static byte[] Content(MetricModel model) => JsonSerializer.SerializeToUtf8Bytes(
        new Written(
            Format, model.MachineClass, model.Metrics, model.Settings, model.Threshold, model.Features.Mean, model.Features.Spread, model.Usual, model.Calibration,
            model.Network.Weights.OrderBy(weight => weight.Key, StringComparer.Ordinal).ToDictionary(weight => weight.Key, weight => MemoryMarshal.AsBytes<float>(weight.Value).ToArray(), StringComparer.Ordinal)),
        Strict);

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ClassName();

    private sealed record Written(
        int Format, string MachineClass, IReadOnlyList<string> Metrics, MetricModelSettings Settings, double Threshold, double[] Mean, double[] Spread, double[] Usual, double[] Calibration,
        Dictionary<string, byte[]> Weights);
}
