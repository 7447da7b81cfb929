using System.Runtime.InteropServices;

namespace TrainMover.EventLog;

/// <summary>
/// Places at which a test can have a process killed (SIGKILL) by writing <c>SERVICE EVENTTYPE POINT</c> into the file that
/// <c>TRAINMOVER_CRASH_FILE</c> names; the service is <c>TRAINMOVER_SERVICE</c>. Free when the variable is not set.
/// </summary>
public static partial class CrashPoints
{
    /// <summary>The transaction is complete but not committed.</summary>
    public const string BeforeCommit = "before-commit";

    /// <summary>The transaction is committed and nothing is published.</summary>
    public const string AfterCommit = "after-commit";

    /// <summary>The effect of a message is committed and its offset is not.</summary>
    public const string BeforeOffsetCommit = "before-offset-commit";

    private const int SigKill = 9;
    private static readonly string? OrderFile = Environment.GetEnvironmentVariable("TRAINMOVER_CRASH_FILE");
    private static readonly string Service = Environment.GetEnvironmentVariable("TRAINMOVER_SERVICE") ?? "";

    /// <summary>Kills this process when the order of the crash file is for this service, event type and point; takes the order away first.</summary>
    /// <param name="point">One of the constants of this class.</param>
    /// <param name="eventType">Versioned type name of the event at hand.</param>
    public static void Hit(string point, string eventType)
    {
        if (OrderFile is null || !IsOrdered(OrderFile, $"{Service} {eventType} {point}"))
            return;
        File.Delete(OrderFile);
        _ = Kill(Environment.ProcessId, SigKill);
    }

    private static bool IsOrdered(string file, string order)
    {
        try
        {
            return File.Exists(file) && File.ReadAllText(file).Trim() == order;
        }
        catch (IOException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
