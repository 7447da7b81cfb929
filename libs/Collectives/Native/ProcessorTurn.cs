using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>
/// When the system lets a thread compute that shares processors with others. What a switch consists of are many threads that each have a little to do, one after the other, on processors on which training
/// computes: each that has to wait for its turn makes all machines wait.
/// </summary>
public static unsafe partial class ProcessorTurn
{
    private const ulong Brief = 100_000;
    private const ulong Usual = 0;
    private const uint RoundRobin = 2;
    private const ulong ResetOnFork = 1;

    // The system call itself counts down from here, so that no result is negative.
    private const int LeastNice = 20;

    // C libraries have functions for some of these calls only since lately.
    private static readonly (int Set, int Get, int Self, int Nice) Numbers = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? (274, 275, 178, 141) : (314, 315, 186, 140);

    /// <summary>
    /// Whether threads of this process may go before all that compute; default true. Not while they do for the first time what they will have to do at once later: that takes seconds, in which code is compiled, and whoever
    /// shares processors with this process would stand still.
    /// </summary>
    public static bool MayGoFirst { get; set; } = true;

    /// <summary>Whether the system lets a thread of this process go before all that compute; the calling thread stays as it is.</summary>
    public static bool IsPermitted
    {
        get
        {
            var permitted = false;
            var thread = new Thread(() => permitted = TryGoFirst(0, 1));
            thread.Start();
            thread.Join();
            return permitted;
        }
    }

    /// <summary>The number of the system call that takes <see cref="Urgent"/>, for a thread that may call nothing else.</summary>
    internal static int SetCall => Numbers.Set;

    /// <summary>What a thread passes to the system that is to be heard before all others; lives as long as the process.</summary>
    internal static nint Urgent { get; } = AllocateUrgent();

    /// <summary>
    /// The calling thread, and those that it begins, have a little to do now and then: they take the processor from threads that compute, and all get the same share in the end (Linux 6.12 and later; earlier ones give all
    /// threads the same).
    /// </summary>
    public static void AskForLittle() => Ask(Brief);

    /// <summary>The calling thread computes.</summary>
    public static void AskForMuch() => Ask(Usual);

    /// <summary>
    /// Others stand still until the calling thread has done its little: it goes before all that compute, whatever share it has had (the real-time class; where the system does not permit that, as
    /// <see cref="AskForLittle"/>). Threads that it begins do not.
    /// </summary>
    /// <param name="heartbeats">The thread also keeps heart-beats going: it goes before others that ask for this, too.</param>
    public static void AskForNow(bool heartbeats = false)
    {
        if (!TryGoFirst(0, heartbeats ? 2u : 1u))
            AskForLittle();
    }

    /// <summary>The calling thread, for <see cref="AskForNow(long)"/>.</summary>
    public static long ThisThread => Call(Numbers.Self, 0, null, 0, 0);

    /// <summary>As <see cref="AskForNow(bool)"/>, for a thread that others wait for without its knowing yet. Without effect where it has ended, or the system does not permit it.</summary>
    /// <param name="thread">Its <see cref="ThisThread"/>; 0 where it has not said it yet, without effect.</param>
    public static void AskForNow(long thread)
    {
        // To the system 0 is the calling thread.
        if (thread != 0)
            TryGoFirst(thread, 1);
    }

    private static bool TryGoFirst(long thread, uint priority)
    {
        if (!MayGoFirst)
            return false;
        var attributes = UrgentAttributes(priority);
        return Call(Numbers.Set, thread, &attributes, 0, 0) == 0;
    }

    private static void Ask(ulong nanoseconds)
    {
        Attributes attributes;
        if (Call(Numbers.Get, 0, &attributes, sizeof(Attributes), 0) != 0)
            return;

        // What a thread of the real-time class was before, it may become again without privileges; neither more than that, nor without the mark that its threads begin as usual ones.
        if (attributes.Policy != 0)
            attributes.Nice = LeastNice - (int)Call(Numbers.Nice, 0, null, 0, 0);
        (attributes.Policy, attributes.Priority, attributes.Flags, attributes.Runtime) = (0, 0, attributes.Flags & ResetOnFork, nanoseconds);
        _ = Call(Numbers.Set, 0, &attributes, 0, 0);
    }

    private static Attributes UrgentAttributes(uint priority) => new() { Size = (uint)sizeof(Attributes), Policy = RoundRobin, Flags = ResetOnFork, Priority = priority };

    private static nint AllocateUrgent()
    {
        var attributes = (Attributes*)NativeMemory.Alloc((nuint)sizeof(Attributes));
        *attributes = UrgentAttributes(2);
        return (nint)attributes;
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
