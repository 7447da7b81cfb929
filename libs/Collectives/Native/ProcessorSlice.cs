using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>
/// How long the system lets a thread compute before others get their turn. A thread that asks for little gets it soon: it takes the processor from one that asked for much, and both get the same share in the end
/// (Linux 6.12 and later, sched_setattr; earlier ones give all threads the same). What a switch consists of are many threads that each have a little to do, one after the other, on processors on which
/// training computes.
/// </summary>
public static unsafe partial class ProcessorSlice
{
    private const ulong Brief = 100_000;
    private const ulong Usual = 0;

    /// <summary>The calling thread, and those that it begins, have a little to do now and then.</summary>
    public static void AskForLittle() => Ask(Brief);

    /// <summary>The calling thread computes.</summary>
    public static void AskForMuch() => Ask(Usual);

    private static void Ask(ulong nanoseconds)
    {
        // C libraries have functions for these two calls only since lately.
        var isArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        var (set, get) = isArm ? (274, 275) : (314, 315);
        Attributes attributes;
        if (Call(get, 0, &attributes, sizeof(Attributes), 0) != 0)
            return;
        attributes.Runtime = nanoseconds;
        _ = Call(set, 0, &attributes, 0, 0);
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial long Call(long number, long thread, Attributes* attributes, long third, long fourth);

    [StructLayout(LayoutKind.Sequential)]
    private struct Attributes
    {
        public uint Size;
        public uint Policy;
        public ulong Flags;
        public int Nice;
        public uint Priority;
        public ulong Runtime;
        public ulong Deadline;
        public ulong Period;
        public uint LeastUtilization;
        public uint MostUtilization;
    }
}
