namespace TrainMover.Training;

/// <summary>
/// The records of a job on shared storage: a folder per record, and beside them each content once. Holds a limited number of bytes: what is not in use makes room, the oldest first.
/// </summary>
/// <param name="root">Folder of the records.</param>
/// <param name="mostBytes">Most bytes of contents; above 0.</param>
/// <param name="inUse">Names of the records that the job uses: they never go.</param>
public sealed class StepRecordStore(string root, long mostBytes, IReadOnlySet<string> inUse)
{
    /// <summary>Writes a record; an existing one of this name is replaced.</summary>
    /// <param name="name">Name of the record: its folder.</param>
    /// <param name="record">The record.</param>
    /// <exception cref="StepRecordException">It does not fit, alone or beside those in use; nothing that is in use was changed.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public void Save(string name, StepRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var folder = Path.Combine(root, name);
        var own = StepRecordFolder.ContentsOf(record).ToHashSet();
        if (Bytes(own) > mostBytes)
            throw new StepRecordException(folder, $"it alone has {Bytes(own)} bytes of contents, the store holds {mostBytes}");
        MakeRoom(name, folder, own);
        record.Save(folder);
    }

    private void MakeRoom(string name, string folder, HashSet<ContentKey> own)
    {
        var others = Directory.Exists(root)
            ? new DirectoryInfo(root).EnumerateDirectories().Where(other => other.Name != name && StepRecordFolder.IsRecord(other.FullName)).OrderByDescending(other => other.LastWriteTimeUtc).ToList()
            : [];
        var evicted = false;
        while (Bytes(Referenced(others, own)) > mostBytes)
        {
            if (others.FindLast(other => !inUse.Contains(other.Name)) is not { } oldest)
                throw new StepRecordException(folder, $"with the records in use it makes {Bytes(Referenced(others, own))} bytes of contents, the store holds {mostBytes}");
            oldest.Delete(recursive: true);
            others.Remove(oldest);
            evicted = true;
        }

        if (evicted)
            RecordContents.In(root).KeepOnly(Referenced(others, own).Select(key => key.Digest).ToHashSet(StringComparer.Ordinal));
    }

    private static HashSet<ContentKey> Referenced(IEnumerable<DirectoryInfo> records, IEnumerable<ContentKey> own) =>
        [.. records.SelectMany(record => StepRecordFolder.ContentsOf(record.FullName)), .. own];

    private static long Bytes(IEnumerable<ContentKey> contents) => contents.Sum(content => content.Length);
}
