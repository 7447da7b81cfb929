using System.Runtime.InteropServices;

namespace TrainMover.Embedded;

/// <summary>Signals to processes that this library started.</summary>
internal static partial class PosixSignals
{
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    /// <summary>Sends the signal; a process that is already gone is no error.</summary>
    public static void Send(int pid, int signal) => _ = KillProcess(pid, signal);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int KillProcess(int pid, int signal);
}
