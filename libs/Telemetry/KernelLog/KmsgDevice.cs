using System.Diagnostics;

namespace TrainMover.Telemetry.KernelLog;

/// <summary>Reads the kernel's own device of messages, from now on: what was printed before is left out.</summary>
/// <param name="path">The device.</param>
public sealed class KmsgDevice(string path = KmsgDevice.Path)
{
    /// <summary>Where Linux has it.</summary>
    public const string Path = "/dev/kmsg";

    // The kernel's clock of messages and the monotonic one drift apart a little.
    private static readonly TimeSpan Drift = TimeSpan.FromSeconds(2);
    private const int RecordBytes = 16 * 1024;

    /// <summary>Blocks on the device until it fails: give it a thread of its own.</summary>
    /// <param name="take">Takes the next record.</param>
    /// <exception cref="IOException">The device does not exist or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The device must not be read.</exception>
    public void Read(LineTaker take)
    {
        var from = TimeSpan.FromSeconds((double)Stopwatch.GetTimestamp() / Stopwatch.Frequency) - Drift;
        using var device = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var stream = new FileStream(device, FileAccess.Read, bufferSize: 0);
        var record = new byte[RecordBytes];
        var lostInARow = 0;
        while (true)
        {
            int read;
            try
            {
                read = stream.Read(record);
                lostInARow = 0;
            }
            catch (IOException) when (lostInARow++ < 3)
            {
                // The kernel overwrote what was not read yet, and goes on with the oldest record that it has.
                continue;
            }

            if (read == 0) return;
            var line = record.AsSpan(0, read).TrimEnd((byte)'\n');
            if (KernelLogFraming.Read(line) is { SinceBoot: { } at } && at < from) continue;
            take(line);
        }
    }
}
