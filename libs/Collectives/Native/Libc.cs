using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

[StructLayout(LayoutKind.Sequential)]
internal struct PollDescriptor
{
    public int Descriptor;
    public short Events;
    public short Returned;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Stretch
{
    public byte* Bytes;
    public nuint Length;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MessageHeader
{
    public void* Name;
    public uint NameLength;
    public Stretch* Stretches;
    public nuint StretchCount;
    public void* Control;
    public nuint ControlLength;
    public int Flags;
}

/// <summary>The calls of Linux that the data path makes itself: they allocate nothing and wait on several descriptors at once.</summary>
internal static unsafe partial class Libc
{
    public const short PollIn = 0x001;
    public const short PollOut = 0x004;
    public const short PollError = 0x008;
    public const short PollHangUp = 0x010;
    public const short PollPeerHangUp = 0x2000;
    public const int DontWait = 0x40;
    public const int NoSignal = 0x4000;
    public const int EventNonBlocking = 0x800;
    public const int EventCloseOnExec = 0x80000;
    public const int Interrupted = 4;
    public const int Again = 11;
    public const int InProgress = 115;
    public const int SetPipeSize = 1031;
    public const int PipeNonBlocking = 0x800;
    public const int PipeCloseOnExec = 0x80000;
    public const uint SpliceMove = 1;
    public const uint SpliceNonBlocking = 2;
    public const int LargePages = 14;
    public const int ReadAndWrite = 3;
    public const int PrivateAnonymous = 0x22;
    public const int InPlace = 0x10;
    public const int RemapTo = 3;

    public static readonly void* MapFailed = (void*)-1;

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollDescriptor* descriptors, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int descriptor, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(int descriptor, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int descriptor, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventDescriptor(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, void* bytes, nuint length);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, void* bytes, nuint length);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(int descriptor, void* address, uint length);

    [LibraryImport("libc", EntryPoint = "getpeername", SetLastError = true)]
    public static partial int PeerName(int descriptor, void* address, uint* length);

    [LibraryImport("libc", EntryPoint = "pipe2", SetLastError = true)]
    public static partial int Pipe(int* ends, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(int descriptor, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "vmsplice", SetLastError = true)]
    public static partial nint SpliceFromMemory(int intoPipe, Stretch* stretches, nuint count, uint flags);

    [LibraryImport("libc", EntryPoint = "splice", SetLastError = true)]
    public static partial nint Splice(int from, long* fromOffset, int into, long* intoOffset, nuint length, uint flags);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(void* address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial void* Map(void* address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "mremap", SetLastError = true)]
    public static partial void* Remap(void* old, nuint oldLength, nuint newLength, int flags, void* address);
}
