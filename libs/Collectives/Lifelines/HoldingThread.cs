using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>
/// The thread of this process that holds all lifelines, in a table of descriptors of its own (<c>unshare(CLONE_FILES)</c>), which the kernel closes when this one thread ends.
/// </summary>
/// <remarks>
/// In that table there is none of the descriptors of the process: whatever ran on the thread besides, or a thread that was begun on it, would work on closed ones. So it runs one method only, compiled before, that
/// allocates nothing, calls nothing but the system, and never returns: no collection, no compilation and no thread of the pool can begin on it, and signals meant for the process go to other threads.
/// </remarks>
internal sealed unsafe class HoldingThread
{
    private const int MostHeld = 4096;
    private const int CloneFiles = 0x400;
    private const int PidFdOpen = 434;
    private const int PidFdGet = 438;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // HUP, INT, QUIT, USR1, USR2, PIPE, ALRM, TERM, CHLD, CONT, TSTP, TTIN, TTOU, URG, WINCH and IO: what others in the process handle. The runtime's own signals stay.
    private static readonly ulong OthersSignals = Mask(1, 2, 3, 10, 12, 13, 14, 15, 17, 18, 20, 21, 22, 23, 28, 29);
    private static readonly Lazy<HoldingThread?> Only = new(Begin);

    private readonly Lock _gate = new();
    private readonly Stack<int> _free = new();
    private readonly Board* _board = (Board*)NativeMemory.AllocZeroed((nuint)sizeof(Board));
    private int _used;

    private HoldingThread()
    {
        _board->Slots = (Slot*)NativeMemory.AllocZeroed(MostHeld, (nuint)sizeof(Slot));
        _board->Polled = (PollDescriptor*)NativeMemory.AllocZeroed(MostHeld + 1, (nuint)sizeof(PollDescriptor));
        for (var slot = 0; slot < MostHeld; slot++)
            _board->Slots[slot].Socket = -1;
    }

    private enum Order
    {
        Hold,
        Part,
        Sever,
    }

    /// <summary>Null where the system does not allow a thread a table of its own.</summary>
    public static HoldingThread? Instance => Only.Value;

    /// <summary>Why there is none; null where there is one.</summary>
    public static string? Refusal { get; private set; }

    /// <summary>Takes a copy of a connection, and of an eventfd that is set when it breaks. Null when there are too many.</summary>
    public int? TryHold(int socket, int wake)
    {
        lock (_gate)
        {
            if (_free.Count == 0 && _used == MostHeld)
                return null;
            var slot = _free.TryPop(out var free) ? free : _used++;
            (_board->Slot, _board->Socket, _board->Wake, _board->Count) = (slot, socket, wake, _used);
            Ask(Order.Hold);
            if (_board->Slots[slot].Socket >= 0)
                return slot;
            _free.Push(slot);
            return null;
        }
    }

    public bool HasBroken(int slot) => Volatile.Read(ref _board->Slots[slot].Broken) != 0;

    /// <summary>Gives one up, with a farewell or as the end of the process would.</summary>
    public void Give(int slot, bool farewell)
    {
        lock (_gate)
        {
            _board->Slot = slot;
            Ask(farewell ? Order.Part : Order.Sever);
            _free.Push(slot);
        }
    }

    private void Ask(Order order)
    {
        _board->Order = order;
        Volatile.Write(ref _board->Asked, _board->Asked + 1);
        var one = 1UL;
        _ = Libc.Write(_board->AskDescriptor, &one, sizeof(ulong));
        AwaitAnswer();
    }

    private void AwaitAnswer()
    {
        var since = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref _board->Answered) != _board->Asked)
        {
            ulong answers;
            Wire.Await(_board->AnswerDescriptor, Libc.PollIn, since, Patience);
            _ = Libc.Read(_board->AnswerDescriptor, &answers, sizeof(ulong));
        }
    }

    private static HoldingThread? Begin()
    {
        try
        {
            var holding = new HoldingThread();
            Refusal = holding.Start();
            return Refusal is null ? holding : null;
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            Refusal = missing.Message;
            return null;
        }
    }

    private string? Start()
    {
        ref var system = ref _board->System;
        var libc = NativeLibrary.Load("libc", typeof(HoldingThread).Assembly, null);
        system.Poll = (delegate* unmanaged<PollDescriptor*, nuint, int, int>)NativeLibrary.GetExport(libc, "poll");
        system.Receive = (delegate* unmanaged<int, void*, nuint, int, nint>)NativeLibrary.GetExport(libc, "recv");
        system.Send = (delegate* unmanaged<int, void*, nuint, int, nint>)NativeLibrary.GetExport(libc, "send");
        system.Read = (delegate* unmanaged<int, void*, nuint, nint>)NativeLibrary.GetExport(libc, "read");
        system.Write = (delegate* unmanaged<int, void*, nuint, nint>)NativeLibrary.GetExport(libc, "write");
        system.Close = (delegate* unmanaged<int, int>)NativeLibrary.GetExport(libc, "close");
        system.CloseRange = (delegate* unmanaged<uint, uint, int, int>)NativeLibrary.GetExport(libc, "close_range");
        system.Unshare = (delegate* unmanaged<int, int>)NativeLibrary.GetExport(libc, "unshare");
        system.SignalMask = (delegate* unmanaged<int, ulong*, ulong*, int>)NativeLibrary.GetExport(libc, "pthread_sigmask");
        system.Call = (delegate* unmanaged<nint, nint, nint, nint, nint>)NativeLibrary.GetExport(libc, "syscall");

        var process = (int)system.Call(PidFdOpen, Environment.ProcessId, 0, 0);
        if (process < 0)
            return "pidfd_open is not allowed here.";
        var copy = (int)system.Call(PidFdGet, process, process, 0);
        if (copy < 0)
            return "pidfd_getfd is not allowed here.";
        _ = system.Close(copy);

        (_board->Process, _board->AskDescriptor, _board->AnswerDescriptor, _board->Blocked) = (process, EventDescriptor(), EventDescriptor(), OthersSignals);
        int[] kept = [.. Needed().Append(process).Append(_board->AskDescriptor).Append(_board->AnswerDescriptor).Distinct().Order()];
        (_board->SetTurn, _board->Turn) = (ProcessorTurn.SetCall, ProcessorTurn.Urgent);
        _board->KeptCount = kept.Length;
        _board->Kept = (int*)NativeMemory.Alloc((nuint)kept.Length, sizeof(int));
        kept.CopyTo(new Span<int>(_board->Kept, kept.Length));

        // Compiled here, not there.
        RuntimeHelpers.PrepareMethod(((Action<nint>)Run).Method.MethodHandle);
        var board = (nint)_board;
        _board->Asked = 1;
        new Thread(() => Run(board), 256 * 1024) { IsBackground = true, Name = "lifelines" }.Start();
        AwaitAnswer();
        return _board->Refused == 0 ? null : "unshare(CLONE_FILES) is not allowed here.";
    }

    // As long as the process.
    private static int EventDescriptor() => Libc.EventDescriptor(0, Libc.EventNonBlocking | Libc.EventCloseOnExec);

    // Standard error, and the memory that the runtime writes its code through.
    private static IEnumerable<int> Needed() => Directory.EnumerateFileSystemEntries("/proc/self/fd")
        .Select(entry => (Number: int.Parse(Path.GetFileName(entry), CultureInfo.InvariantCulture), Target: new FileInfo(entry).LinkTarget))
        .Where(descriptor => descriptor.Number == 2 || descriptor.Target?.StartsWith("/memfd:doublemapper", StringComparison.Ordinal) == true)
        .Select(descriptor => descriptor.Number);

    private static ulong Mask(params ReadOnlySpan<int> signals)
    {
        var mask = 0UL;
        foreach (var signal in signals)
            mask |= 1UL << (signal - 1);
        return mask;
    }

    /// <summary>The whole life of the thread. See the remarks on the class before anything is called in here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run(nint address)
    {
        var board = (Board*)address;
        var system = &board->System;
        var blocked = stackalloc ulong[16];
        for (var word = 0; word < 16; word++)
            blocked[word] = 0;
        blocked[0] = board->Blocked;
        _ = system->SignalMask(0, blocked, null);
        var refused = system->Unshare(CloneFiles) != 0;
        var next = 0u;
        for (var index = 0; index < board->KeptCount && !refused; index++)
        {
            var kept = (uint)board->Kept[index];
            if (kept > next)
                refused = system->CloseRange(next, kept - 1, 0) != 0;
            next = kept + 1;
        }

        refused = refused || system->CloseRange(next, uint.MaxValue, 0) != 0;
        _ = system->Call(board->SetTurn, 0, board->Turn, 0);
        board->Refused = refused ? 1 : 0;
        ulong count = 1;
        Volatile.Write(ref board->Answered, board->Asked);
        _ = system->Write(board->AnswerDescriptor, &count, sizeof(ulong));
        if (refused)
            return;

        while (true)
        {
            var held = board->Count;
            board->Polled[0].Descriptor = board->AskDescriptor;
            board->Polled[0].Events = Libc.PollIn;
            for (var slot = 0; slot < held; slot++)
            {
                board->Polled[slot + 1].Descriptor = board->Slots[slot].Socket;
                board->Polled[slot + 1].Events = Libc.PollIn;
            }

            if (system->Poll(board->Polled, (nuint)(held + 1), -1) <= 0)
                continue;
            for (var slot = 0; slot < held; slot++)
            {
                if (board->Polled[slot + 1].Returned == 0)
                    continue;
                byte farewell;
                var one = &board->Slots[slot];
                if (system->Receive(one->Socket, &farewell, 1, Libc.DontWait) != 1)
                {
                    Volatile.Write(ref one->Broken, 1);
                    _ = system->Write(one->Wake, &count, sizeof(ulong));
                }

                _ = system->Close(one->Socket);
                _ = system->Close(one->Wake);
                one->Socket = -1;
            }

            if (board->Polled[0].Returned == 0)
                continue;
            ulong read;
            _ = system->Read(board->AskDescriptor, &read, sizeof(ulong));
            if (board->Answered == Volatile.Read(ref board->Asked))
                continue;
            var asked = &board->Slots[board->Slot];
            if (board->Order == Order.Hold)
            {
                asked->Broken = 0;
                asked->Socket = (int)system->Call(PidFdGet, board->Process, board->Socket, 0);
                if (asked->Socket >= 0)
                    asked->Wake = (int)system->Call(PidFdGet, board->Process, board->Wake, 0);
            }
            else if (asked->Socket >= 0)
            {
                byte farewell = Lifeline.Farewell;
                if (board->Order == Order.Part)
                    _ = system->Send(asked->Socket, &farewell, 1, Libc.DontWait | Libc.NoSignal);
                _ = system->Close(asked->Socket);
                _ = system->Close(asked->Wake);
                asked->Socket = -1;
            }

            Volatile.Write(ref board->Answered, board->Asked);
            _ = system->Write(board->AnswerDescriptor, &count, sizeof(ulong));
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Slot
    {
        public int Socket;
        public int Wake;
        public int Broken;
    }

    /// <summary>What both sides see. The thread owns the slots' descriptors; what is asked is written by whoever holds the lock, and stands until it is answered.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Board
    {
        public SystemCalls System;
        public Slot* Slots;
        public PollDescriptor* Polled;
        public int* Kept;
        public nint SetTurn;
        public nint Turn;
        public ulong Blocked;
        public int KeptCount;
        public int Process;
        public int AskDescriptor;
        public int AnswerDescriptor;
        public int Refused;
        public int Count;
        public Order Order;
        public int Slot;
        public int Socket;
        public int Wake;
        public int Asked;
        public int Answered;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SystemCalls
    {
        public delegate* unmanaged<PollDescriptor*, nuint, int, int> Poll;
        public delegate* unmanaged<int, void*, nuint, int, nint> Receive;
        public delegate* unmanaged<int, void*, nuint, int, nint> Send;
        public delegate* unmanaged<int, void*, nuint, nint> Read;
        public delegate* unmanaged<int, void*, nuint, nint> Write;
        public delegate* unmanaged<int, int> Close;
        public delegate* unmanaged<uint, uint, int, int> CloseRange;
        public delegate* unmanaged<int, int> Unshare;
        public delegate* unmanaged<int, ulong*, ulong*, int> SignalMask;
        public delegate* unmanaged<nint, nint, nint, nint, nint> Call;
    }
}
