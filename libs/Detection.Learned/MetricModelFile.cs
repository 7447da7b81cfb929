using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using TorchSharp;

namespace TrainMover.Detection.Learned;

/// <summary>A model as a file: JSON, with weights as base64 of 32-bit floats. The version is a digest of the content: equal models have equal versions.</summary>
public static class MetricModelFile
{
    private const int Format = 1;
    private const int VersionLength = 12;

    /// <summary>Version of a model: the class of machines, and the first 12 hex digits of the SHA-256 of its content.</summary>
    public static string Version(MetricModel model) => $"{model.MachineClass}-{Convert.ToHexStringLower(SHA256.HashData(Content(model)))[..VersionLength]}";

    /// <summary>Writes a model to <c>FOLDER/VERSION.json</c>.</summary>
    /// <returns>Path of the file.</returns>
    public static string Save(MetricModel model, string folder)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, $"{Version(model)}.json");
        var half = $"{path}.tmp";
        File.WriteAllBytes(half, Content(model));
        File.Move(half, path, overwrite: true);
        return path;
    }

    /// <summary>Reads a model.</summary>
    /// <exception cref="InvalidDataException">It is not a model, of another format, or was changed.</exception>
    public static MetricModel Load(string path)
    {
        Written written;
        try
        {
            written = JsonSerializer.Deserialize<Written>(File.ReadAllBytes(path)) ?? throw new InvalidDataException($"{path} is empty.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} is not a model: {exception.Message}", exception);
        }

        if (written.Format != Format) throw new InvalidDataException($"{path} has format {written.Format}; {Format} is understood.");
        var features = new MetricFeatures(written.Mean, written.Spread, written.Settings.Memory);
        var network = new Autoencoder(features.Count, Math.Max(1, (int)(features.Count * written.Settings.Bottleneck)));
        foreach (var (name, parameter) in network.named_parameters())
        {
            if (!written.Weights.TryGetValue(name, out var bytes) || bytes.Length != parameter.numel() * sizeof(float)) throw new InvalidDataException($"{path} lacks weights of {name}.");
            using var quiet = torch.no_grad();
            using var values = torch.tensor(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), parameter.shape);
            parameter.copy_(values);
        }

        network.eval();
        var model = new MetricModel(written.MachineClass, written.Metrics, written.Settings, features, network, written.Usual, written.Calibration);
        if (Path.GetFileNameWithoutExtension(path) == Version(model)) return model;
        model.Dispose();
        throw new InvalidDataException($"{path} does not hold the model that its name says: it was changed or renamed.");
    }

    private static byte[] Content(MetricModel model) => JsonSerializer.SerializeToUtf8Bytes(new Written(
        Format, model.MachineClass, model.Metrics, model.Settings, model.Features.Mean, model.Features.Spread, model.Usual, model.Calibration,
        model.Network.named_parameters().OrderBy(parameter => parameter.name, StringComparer.Ordinal)
            .ToDictionary(parameter => parameter.name, parameter => MemoryMarshal.AsBytes<float>(parameter.parameter.data<float>().ToArray()).ToArray(), StringComparer.Ordinal)));

    private sealed record Written(
        int Format, string MachineClass, IReadOnlyList<string> Metrics, MetricModelSettings Settings, double[] Mean, double[] Spread, double[] Usual, double[] Calibration,
        Dictionary<string, byte[]> Weights);
}
