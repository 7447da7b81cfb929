using System.Globalization;

namespace TrainMover.EndToEnd.Tests.Support;

/// <summary>TCP connections of a process as the kernel lists them.</summary>
internal static class Sockets
{
    private const string Established = "01";

    /// <summary>Local and remote ports of the established connections of a process.</summary>
    public static IReadOnlySet<(int Local, int Remote)> Of(int pid)
    {
        var inodes = Directory.EnumerateFiles($"/proc/{pid}/fd").Select(file => new FileInfo(file).LinkTarget)
            .Where(target => target?.StartsWith("socket:[", StringComparison.Ordinal) == true).Select(target => target![8..^1]).ToHashSet(StringComparer.Ordinal);
        return File.ReadLines($"/proc/{pid}/net/tcp").Concat(File.ReadLines($"/proc/{pid}/net/tcp6")).Where(line => line.Contains(':', StringComparison.Ordinal))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(columns => columns.Length > 9 && columns[3] == Established && inodes.Contains(columns[9]))
            .Select(columns => (Port(columns[1]), Port(columns[2]))).ToHashSet();
    }

    private static int Port(string address) => int.Parse(address[(address.LastIndexOf(':') + 1)..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
