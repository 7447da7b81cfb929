using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>A record on storage: <c>index.json</c> (a body and its checksum), which names the outputs by their SHA-256; they lie in the folder <c>contents</c> beside it.</summary>
internal static class StepRecordFolder
{
    private const string IndexFile = "index.json";
    private const string Unfinished = ".tmp";
    private const string Format = "trainmover.step-record.v3";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, Converters = { new JsonStringEnumConverter() } };

    private sealed record Call(string Operation, long Length, string InputDigest, long OutputLength, string OutputDigest);

    private sealed record Group(GroupRole Role, int Rank, int Size, IReadOnlyList<Call> Calls);

    private sealed record Body(
        string Format, string Job, int Rank, int Dp, int Pp, int Tp, long Step, ulong Seed, uint LossBits, string GradientsDigest, string UpdatedDigest, IReadOnlyList<Group> Groups);

    private sealed record Index(string Checksum, JsonElement Body);

    public static void Write(StepRecord record, string folder)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var parent = Path.GetDirectoryName(target)!;
        var temporary = $"{target}.{Guid.NewGuid():N}{Unfinished}";
        WriteContents(record, target);
        Directory.CreateDirectory(temporary);
        try
        {
            DurableFile.WriteAndFlush(Path.Combine(temporary, IndexFile), stream => stream.Write(SerializeIndex(record)));
            DurableFile.FlushFolder(temporary);
            if (Directory.Exists(target))
                Directory.Delete(target, recursive: true);
            Directory.Move(temporary, target);
            DurableFile.FlushFolder(parent);

            // Another machine may have made room meanwhile, before this record counted.
            WriteContents(record, target);
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
                body.Job, body.Rank, new ParallelLayout(body.Dp, body.Pp, body.Tp), body.Step, body.Seed, body.LossBits, body.GradientsDigest, body.UpdatedDigest, ReadGroups(folder, body.Groups));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            throw new StepRecordException(folder, $"it cannot be read ({error.Message})", error);
        }
    }

    /// <summary>Whether a folder is one of a record.</summary>
    public static bool IsRecord(string folder) => !folder.EndsWith(Unfinished, StringComparison.Ordinal) && File.Exists(Path.Combine(folder, IndexFile));

    /// <summary>Contents of a record that is to be written.</summary>
    public static IEnumerable<ContentKey> ContentsOf(StepRecord record) => Outputs(record).Select(output => RecordContents.KeyOf(output.Span));

    /// <summary>Contents that a record on storage names; none where it cannot be read.</summary>
    public static IReadOnlyList<ContentKey> ContentsOf(string folder)
    {
        try
        {
            return [.. ReadIndex(folder).Groups.SelectMany(group => group.Calls).Where(call => call.OutputLength > 0).Select(call => new ContentKey(call.OutputDigest, call.OutputLength))];
        }
        catch (Exception error) when (error is StepRecordException or IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            return [];
        }
    }

    private static void WriteContents(StepRecord record, string folder)
    {
        var contents = RecordContents.Beside(folder);
        foreach (var output in Outputs(record))
            contents.Write(output);
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Outputs(StepRecord record) =>
        record.Groups.SelectMany(group => group.Calls).Select(call => call.Output).Where(output => !output.IsEmpty);

    private static byte[] SerializeIndex(StepRecord record)
    {
        var groups = record.Groups.Select(group => new Group(
            group.Role, group.Rank, group.Size, [.. group.Calls.Select(call => new Call(call.Operation, call.Length, call.InputDigest, call.Output.Length, Sha256(call.Output.Span)))])).ToArray();
        var layout = record.Layout;
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new Body(Format, record.Job, record.Rank, layout.Dp, layout.Pp, layout.Tp, record.Step, record.Seed, record.LossBits, record.GradientsDigest, record.UpdatedDigest, groups), Json);
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

    private static RecordedGroup[] ReadGroups(string folder, IReadOnlyList<Group> groups)
    {
        var contents = RecordContents.Beside(folder);
        return [.. groups.Select(group => new RecordedGroup(group.Role, group.Rank, group.Size, ReadCalls(folder, contents, group)))];
    }

    private static RecordedCall[] ReadCalls(string folder, RecordContents contents, Group group) =>
    [
        .. group.Calls.Select((call, index) => new RecordedCall(index, call.Operation, call.Length, call.InputDigest, call.OutputLength == 0
            ? []
            : contents.Read(new ContentKey(call.OutputDigest, call.OutputLength))
                ?? throw new StepRecordException(folder, $"the output of call {index} ({call.Operation}) of group {group.Role} is missing or does not have its checksum"))),
    ];

    private static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
