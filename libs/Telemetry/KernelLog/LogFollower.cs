using System.Threading.Channels;

namespace TrainMover.Telemetry.KernelLog;

/// <summary>
/// Follows a file that grows, from its end: by notices of the file system, without polling. A file that is rotated (moved away, removed or emptied, and begun anew) is read to its end and
/// then followed anew from its beginning; one that does not exist yet is waited for.
/// </summary>
/// <param name="path">The file.</param>
public sealed class LogFollower(string path)
{
    private const int BufferBytes = 64 * 1024;

    /// <summary>Completes once whatever is written from now on is seen.</summary>
    public Task Ready => _ready.Task;

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Follows the file until it is told to end.</summary>
    /// <param name="take">Takes the next line.</param>
    /// <param name="ct">Ends the following.</param>
    /// <exception cref="IOException">The folder of the file does not exist, or the file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be read.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled.</exception>
    public async Task FollowAsync(LineTaker take, CancellationToken ct)
    {
        var full = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(full)!;
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"The folder {folder} does not exist.");

        // One notice that waits stands for all: whoever hears it reads everything.
        var notices = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        var replaced = 0;
        using var watcher = new FileSystemWatcher(folder, Path.GetFileName(full)) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.Size | NotifyFilters.LastWrite };
        watcher.Changed += (_, _) => notices.Writer.TryWrite(true);
        watcher.Created += (_, _) => Replaced();
        watcher.Renamed += (_, _) => Replaced();
        watcher.Deleted += (_, _) => Replaced();
        watcher.Error += (_, _) => Replaced();
        watcher.EnableRaisingEvents = true;

        var splitter = new LineSplitter();
        var file = Open(full, fromEnd: true);
        try
        {
            _ready.TrySetResult();
            while (true)
            {
                Read(file, splitter, take);
                if (Interlocked.Exchange(ref replaced, 0) == 1)
                {
                    var next = Open(full, fromEnd: false);
                    // A notice may be older than the opening of this very file.
                    (file, var other) = IsSame(file, next) ? (file, next) : (next, file);
                    other?.Dispose();
                    continue;
                }

                await notices.Reader.ReadAsync(ct).ConfigureAwait(false);
            }
        }
        finally
        {
            file?.Dispose();
        }

        void Replaced()
        {
            Interlocked.Exchange(ref replaced, 1);
            notices.Writer.TryWrite(true);
        }
    }

    private static FileStream? Open(string path, bool fromEnd)
    {
        try
        {
            var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 });
            if (fromEnd) file.Seek(0, SeekOrigin.End);
            return file;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    // The system tells by which name it knows an open file, and that it has none any more.
    private static bool IsSame(FileStream? one, FileStream? other) => one is not null && other is not null && NameOf(one) == NameOf(other);

    private static string? NameOf(FileStream file) => File.ResolveLinkTarget($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}", returnFinalTarget: false)?.FullName;

    private static void Read(FileStream? file, LineSplitter splitter, LineTaker take)
    {
        if (file is null) return;
        // Emptied in place: what is there now is new.
        if (file.Position > file.Length) file.Seek(0, SeekOrigin.Begin);
        var buffer = new byte[BufferBytes];
        while (file.Read(buffer) is > 0 and var read) splitter.Add(buffer.AsSpan(0, read), take);
    }
}
