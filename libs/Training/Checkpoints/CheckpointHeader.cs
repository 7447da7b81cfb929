using System.Globalization;
using System.Text;
using System.Text.Json;

namespace TrainMover.Training;

/// <summary>What the metadata of a checkpoint says.</summary>
/// <param name="Job">Job that the state belongs to.</param>
/// <param name="Step">Completed steps.</param>
/// <param name="Seed">Seed of the job; with the step it is the random state.</param>
/// <param name="Checksum">SHA-256 over the header (with 64 zeros in the checksum's place) and all tensor data, lower-case hexadecimal.</param>
public sealed record CheckpointInfo(string Job, long Step, ulong Seed, string Checksum);

/// <summary>The JSON header of the safetensors format.</summary>
internal static class CheckpointHeader
{
    public const int MaximumLength = 16 << 20;
    private const string Format = "trainmover.checkpoint.v1";

    public static string NoChecksum { get; } = new('0', 64);

    public static byte[] Write(CheckpointInfo info, IReadOnlyList<CheckpointTensor> tensors)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("checksum", info.Checksum);
            json.WriteString("format", Format);
            json.WriteString("job", info.Job);
            json.WriteString("step", info.Step.ToString(CultureInfo.InvariantCulture));
            json.WriteString("seed", info.Seed.ToString(CultureInfo.InvariantCulture));
            json.WriteEndObject();
            foreach (var (tensor, begin, end) in Placed(tensors))
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", "F32");
                WriteNumbers(json, "shape", tensor.Dimensions);
                WriteNumbers(json, "data_offsets", [begin, end]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // The format asks for data that begins on a multiple of eight bytes; spaces fill the header up.
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    public static CheckpointInfo Read(string file, byte[] header, long dataLength, IReadOnlyList<CheckpointTensor> tensors)
    {
        try
        {
            using var document = JsonDocument.Parse(header);
            var root = document.RootElement;
            var metadata = root.GetProperty("__metadata__");
            if (Text(metadata, "format") is var format and not Format)
                throw new CheckpointException(file, $"its format is {format}, not {Format}");

            var info = new CheckpointInfo(
                Text(metadata, "job"),
                long.Parse(Text(metadata, "step"), NumberStyles.None, CultureInfo.InvariantCulture),
                ulong.Parse(Text(metadata, "seed"), NumberStyles.None, CultureInfo.InvariantCulture),
                Text(metadata, "checksum"));
            var expected = 1;
            var length = 0L;
            foreach (var (tensor, begin, end) in Placed(tensors))
            {
                RequireTensor(file, root, tensor, begin, end);
                expected++;
                length = end;
            }

            if (root.EnumerateObject().Count() != expected)
                throw new CheckpointException(file, "it holds tensors that the model does not have");
            if (dataLength != length)
                throw new CheckpointException(file, $"it holds {dataLength} bytes of tensor data instead of {length}");
            return info;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new CheckpointException(file, $"its header cannot be read ({error.Message})", error);
        }
    }

    /// <summary>The checksum that the metadata names.</summary>
    public static string ChecksumOf(string file, byte[] header)
    {
        try
        {
            using var document = JsonDocument.Parse(header);
            return Text(document.RootElement.GetProperty("__metadata__"), "checksum");
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new CheckpointException(file, $"its header cannot be read ({error.Message})", error);
        }
    }

    /// <summary>Replaces the first occurrence of one checksum by another of equal length; the checksum is the first value of the header.</summary>
    public static void Replace(byte[] header, string checksum, string by)
    {
        var at = header.AsSpan().IndexOf(Encoding.UTF8.GetBytes(checksum));
        if (at >= 0 && checksum.Length == by.Length)
            Encoding.UTF8.GetBytes(by, header.AsSpan(at));
    }

    private static void RequireTensor(string file, JsonElement root, CheckpointTensor expected, long begin, long end)
    {
        if (!root.TryGetProperty(expected.Name, out var tensor))
            throw new CheckpointException(file, $"tensor {expected.Name} is missing");
        var fits = Text(tensor, "dtype") == "F32"
            && tensor.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).SequenceEqual(expected.Dimensions)
            && tensor.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64()).SequenceEqual([begin, end]);
        if (!fits)
            throw new CheckpointException(file, $"tensor {expected.Name} is not F32 [{string.Join(", ", expected.Dimensions)}] at bytes {begin} to {end}");
    }

    private static IEnumerable<(CheckpointTensor Tensor, long Begin, long End)> Placed(IReadOnlyList<CheckpointTensor> tensors)
    {
        var offset = 0L;
        foreach (var tensor in tensors)
        {
            var end = offset + ((long)tensor.Count * sizeof(float));
            yield return (tensor, offset, end);
            offset = end;
        }
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    private static string Text(JsonElement parent, string name) => parent.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null");
}
