using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace TrainMover.Training;

/// <summary>A record on storage: <c>index.json</c> (a body and its checksum) and <c>outputs.bin</c> (all outputs, one after the other, each with its checksum in the index).</summary>
internal static class StepRecordFolder
{
    private const string IndexFile = "index.json";
    private const string OutputsFile = "outputs.bin";
    private const string Format = "trainmover.step-record.v1";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    private sealed record Call(string Operation, long Length, string InputDigest, long OutputLength, string OutputDigest);

    private sealed record Body(
        string Format, string Job, int Rank, int Size, long Step, ulong Seed, uint LossBits, string GradientsDigest, string UpdatedDigest, IReadOnlyList<Call> Calls);

    private sealed record Index(string Checksum, JsonElement Body);

    public static void Write(StepRecord record, string folder)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var parent = Path.GetDirectoryName(target)!;
        var temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        Directory.CreateDirectory(temporary);
        try
        {
            DurableFile.WriteAndFlush(Path.Combine(temporary, OutputsFile), stream =>
            {
                foreach (var call in record.Calls)
                    stream.Write(call.Output.Span);
            });
            DurableFile.WriteAndFlush(Path.Combine(temporary, IndexFile), stream => stream.Write(SerializeIndex(record)));
            DurableFile.FlushFolder(temporary);
            if (Directory.Exists(target))
                Directory.Delete(target, recursive: true);
            Directory.Move(temporary, target);
            DurableFile.FlushFolder(parent);
        }
        catch
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
            throw;
        }
    }

    public static StepRecord Read(string folder)
    {
        try
        {
            var body = ReadIndex(folder);
            return new StepRecord(
                body.Job, body.Rank, body.Size, body.Step, body.Seed, body.LossBits, body.GradientsDigest, body.UpdatedDigest, ReadCalls(folder, body.Calls));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            throw new StepRecordException(folder, $"it cannot be read ({error.Message})", error);
        }
    }

    private static byte[] SerializeIndex(StepRecord record)
    {
        var calls = record.Calls.Select(call => new Call(call.Operation, call.Length, call.InputDigest, call.Output.Length, Sha256(call.Output.Span))).ToArray();
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new Body(Format, record.Job, record.Rank, record.Size, record.Step, record.Seed, record.LossBits, record.GradientsDigest, record.UpdatedDigest, calls), Json);
        return Encoding.UTF8.GetBytes($"{{\"checksum\":\"{Sha256(body)}\",\"body\":{Encoding.UTF8.GetString(body)}}}");
    }

    private static Body ReadIndex(string folder)
    {
        var index = JsonSerializer.Deserialize<Index>(File.ReadAllBytes(Path.Combine(folder, IndexFile)), Json)
            ?? throw new StepRecordException(folder, "its index is empty");
        if (Sha256(Encoding.UTF8.GetBytes(index.Body.GetRawText())) != index.Checksum)
            throw new StepRecordException(folder, "its index does not have the checksum that it names");
        var body = index.Body.Deserialize<Body>(Json) ?? throw new StepRecordException(folder, "its index is empty");
        if (body.Format != Format)
            throw new StepRecordException(folder, $"its format is {body.Format}, not {Format}");
        return body;
    }

    private static RecordedCall[] ReadCalls(string folder, IReadOnlyList<Call> calls)
    {
        using var stream = File.OpenRead(Path.Combine(folder, OutputsFile));
        if (stream.Length != calls.Sum(call => call.OutputLength))
            throw new StepRecordException(folder, $"its outputs are {stream.Length} bytes long instead of {calls.Sum(call => call.OutputLength)}");
        var recorded = new RecordedCall[calls.Count];
        for (var index = 0; index < recorded.Length; index++)
        {
            var output = new byte[calls[index].OutputLength];
            stream.ReadExactly(output);
            if (Sha256(output) != calls[index].OutputDigest)
                throw new StepRecordException(folder, $"the output of call {index} ({calls[index].Operation}) does not have its checksum");
            recorded[index] = new RecordedCall(index, calls[index].Operation, calls[index].Length, calls[index].InputDigest, output);
        }

        return recorded;
    }

    private static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
