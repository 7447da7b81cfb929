using System.Security.Cryptography;

namespace TrainMover.Training;

/// <summary>A tensor that a record refers to: its SHA-256 (lower-case hexadecimal), which is its name, and its bytes.</summary>
internal readonly record struct ContentKey(string Digest, long Length);

/// <summary>What collectives left behind, each content once whatever the number of calls, groups and records that it belongs to: a file named by its SHA-256.</summary>
/// <param name="folder">Folder of the contents, shared by all records beside it.</param>
internal sealed class RecordContents(string folder)
{
    private const string FolderName = "contents";

    /// <summary>The contents of a record.</summary>
    public static RecordContents Beside(string record) => In(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(record)))!);

    /// <summary>The contents of all records in a folder.</summary>
    public static RecordContents In(string root) => new(Path.Combine(root, FolderName));

    public static ContentKey KeyOf(ReadOnlySpan<byte> content) => new(Convert.ToHexStringLower(SHA256.HashData(content)), content.Length);

    /// <summary>Writes a content unless it is there and whole.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(ReadOnlyMemory<byte> content)
    {
        var key = KeyOf(content.Span);
        if (Read(key) is null)
            DurableFile.Write(PathOf(key.Digest), stream => stream.Write(content.Span));
    }

    /// <summary>A content; null where it is missing, torn or altered.</summary>
    public byte[]? Read(ContentKey key)
    {
        var file = new FileInfo(PathOf(key.Digest));
        if (!file.Exists || file.Length != key.Length)
            return null;
        var content = File.ReadAllBytes(file.FullName);
        return KeyOf(content) == key ? content : null;
    }

    /// <summary>Deletes everything but these.</summary>
    public void KeepOnly(IReadOnlySet<string> digests)
    {
        foreach (var file in Directory.Exists(folder) ? Directory.EnumerateFiles(folder) : [])
        {
            if (!digests.Contains(Path.GetFileName(file)))
                File.Delete(file);
        }
    }

    private string PathOf(string digest) => Path.Combine(folder, digest);
}
