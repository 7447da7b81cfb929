using System.Runtime.InteropServices;

namespace TrainMover.EndToEnd.Tests.Support;

internal static partial class Signals
{
    private const int SigCont = 18;
    private const int SigStop = 19;

    public static void Stop(int pid) => Kill(pid, SigStop).ShouldBe(0);

    public static void Continue(int pid) => Kill(pid, SigCont).ShouldBe(0);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
