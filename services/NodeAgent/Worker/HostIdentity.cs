namespace TrainMover.Worker;

/// <summary>Tells this host from others. Containers on one host share its cores and have names of their own, so it is what they have in common: the identity of the kernel's last start.</summary>
internal static class HostIdentity
{
    private const string BootId = "/proc/sys/kernel/random/boot_id";
    private const int Shown = 8;

    public static string Value { get; } = Read();

    private static string Read()
    {
        try
        {
            return File.ReadAllText(BootId).Trim()[..Shown];
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            return Environment.MachineName;
        }
    }
}
