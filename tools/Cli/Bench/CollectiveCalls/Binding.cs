using System.Runtime.InteropServices;

namespace TrainMover.Cli.Bench.CollectiveCalls;

/// <summary>Binds a rank's thread to a processor, as mpirun binds its processes where there is one for each: else two ranks may share one while another is idle.</summary>
internal static partial class Binding
{
    public static unsafe void Bind(int rank, int ranks)
    {
        if (ranks > Environment.ProcessorCount || ranks > 64)
            return;
        var mask = 1UL << rank;
        _ = SetAffinity(0, sizeof(ulong), &mask);
    }

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static unsafe partial int SetAffinity(int thread, nuint length, ulong* mask);
}
