using System.Text;

namespace TrainMover.EventLog;

/// <summary>The anchors outside the database: one JSON line each, appended and flushed to the disk, never rewritten.</summary>
internal static class AnchorFile
{
    /// <summary>Appends an anchor unless it is the last line already; cuts off a line that a crash left half-written.</summary>
    public static async Task AppendAsync(string path, Anchor anchor, CancellationToken ct)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
            Directory.CreateDirectory(folder);
        await using var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        var (lastLine, end) = await LastLineAsync(stream, ct);
        if (lastLine is not null && Anchor.FromLine(lastLine)?.Number == anchor.Number)
            return;
        stream.SetLength(end);
        stream.Position = end;
        await stream.WriteAsync(Encoding.UTF8.GetBytes(anchor.ToLine() + "\n"), ct);
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Complete lines; null for one that does not read as an anchor.</summary>
    public static async Task<List<Anchor?>> ReadAsync(string path, CancellationToken ct)
    {
        var text = await File.ReadAllTextAsync(path, ct);
        var complete = text[..(text.LastIndexOf('\n') + 1)];
        return [.. complete.Split('\n').SkipLast(1).Select(Anchor.FromLine)];
    }

    private static async Task<(string? Line, long End)> LastLineAsync(FileStream stream, CancellationToken ct)
    {
        var end = await FindBackwardsAsync(stream, stream.Length, ct);
        if (end == 0)
            return (null, 0);
        var start = await FindBackwardsAsync(stream, end - 1, ct);
        var line = new byte[end - 1 - start];
        stream.Position = start;
        await stream.ReadExactlyAsync(line, ct);
        return (Encoding.UTF8.GetString(line), end);
    }

    /// <summary>Position behind the last line feed before <paramref name="before"/>; 0 when there is none.</summary>
    private static async Task<long> FindBackwardsAsync(FileStream stream, long before, CancellationToken ct)
    {
        var block = new byte[4096];
        while (before > 0)
        {
            var size = (int)Math.Min(block.Length, before);
            stream.Position = before - size;
            await stream.ReadExactlyAsync(block.AsMemory(0, size), ct);
            var found = block.AsSpan(0, size).LastIndexOf((byte)'\n');
            if (found >= 0)
                return before - size + found + 1;
            before -= size;
        }

        return 0;
    }
}
