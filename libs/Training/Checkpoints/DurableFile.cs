using System.Runtime.InteropServices;

namespace TrainMover.Training;

/// <summary>Files that are either whole or absent after a crash: written under another name, flushed to the device, renamed, and the folder flushed too.</summary>
internal static partial class DurableFile
{
    private const int OpenReadOnlyDirectory = 0x10000;

    public static void Write(string file, Action<Stream> write)
    {
        var target = Path.GetFullPath(file);
        var folder = Path.GetDirectoryName(target)!;
        Directory.CreateDirectory(folder);
        var temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            WriteAndFlush(temporary, write);
            File.Move(temporary, target, overwrite: true);
            FlushFolder(folder);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    public static void WriteAndFlush(string file, Action<Stream> write)
    {
        using var stream = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
        write(stream);
        stream.Flush(flushToDisk: true);
    }

    public static void FlushFolder(string folder)
    {
        var descriptor = OpenFolder(folder, OpenReadOnlyDirectory);
        if (descriptor < 0)
            throw new IOException($"Cannot open folder {folder} to flush it: {Marshal.GetLastPInvokeErrorMessage()}.");
        var flushed = Flush(descriptor);
        var error = Marshal.GetLastPInvokeErrorMessage();
        _ = CloseDescriptor(descriptor);
        if (flushed != 0)
            throw new IOException($"Cannot flush folder {folder}: {error}.");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFolder(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseDescriptor(int descriptor);
}
