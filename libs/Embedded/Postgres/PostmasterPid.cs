using System.Diagnostics;

namespace TrainMover.Embedded;

/// <summary>What the server writes to <c>postmaster.pid</c>, line by line: pid, data folder, start time, port, socket folder, address, shared memory, status.</summary>
internal sealed record PostmasterPid(int Pid, int Port, bool Ready)
{
    /// <summary>The running server of the cluster; null when there is none, also when the file was left behind by a killed one.</summary>
    public static PostmasterPid? Read(ClusterDirectory cluster)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(cluster.PidFile);
        }
        catch (IOException)
        {
            return null;
        }
        if (lines.Length < 4 || !int.TryParse(lines[0], out var pid) || !int.TryParse(lines[3], out var port) || !IsPostgres(pid))
            return null;
        return new(pid, port, lines.Length > 7 && lines[7].Trim() == "ready");
    }

    private static bool IsPostgres(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return process.ProcessName.StartsWith("postgres", StringComparison.Ordinal);
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }
}
