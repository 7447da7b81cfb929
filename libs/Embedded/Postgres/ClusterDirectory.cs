using System.Security.Cryptography;
using System.Text;

namespace TrainMover.Embedded;

/// <summary>Where the files of a cluster lie: <c>data</c>, <c>log</c> and <c>socket</c> below one folder that the server's account can reach.</summary>
internal sealed record ClusterDirectory(string Root, string? Notice)
{
    public string Data => Path.Combine(Root, "data");

    public string LogFile => Path.Combine(Root, "postgresql.log");

    public string PidFile => Path.Combine(Data, "postmaster.pid");

    /// <summary>A path of a Unix socket must stay below 108 bytes, so it lies under the temporary folder.</summary>
    public string Sockets => Path.Combine(Path.GetTempPath(), "trainmover-pg-" + Digest(Root));

    public bool IsInitialised => File.Exists(Path.Combine(Data, "PG_VERSION"));

    /// <summary>The wanted folder or, when another account must reach it and cannot, one under the temporary folder that depends on the wanted path only.</summary>
    public static ClusterDirectory Resolve(string wanted, PostgresPrograms programs)
    {
        var full = Path.GetFullPath(wanted);
        var barrier = programs.RunAs is null ? null : FirstClosedAncestor(full);
        if (barrier is null)
            return new(full, Notice: null);
        var instead = Path.Combine(Path.GetTempPath(), "trainmover-postgres-" + Digest(full));
        return new(instead, $"The account '{programs.RunAs}' cannot pass {barrier}; the cluster lies in {instead} instead of {full}.");
    }

    private static string? FirstClosedAncestor(string path)
    {
        for (var folder = Path.GetDirectoryName(path); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (!OperatingSystem.IsWindows() && Directory.Exists(folder) && !File.GetUnixFileMode(folder).HasFlag(UnixFileMode.OtherExecute))
                return folder;
        }
        return null;
    }

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12];
}
