using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>
/// What two ranks of a process share: a queue of frames and of stretches of the writer's memory, one writer and one reader, without locks. A stretch is borrowed: the reader reads it in
/// place, and says while it does; the writer can take back what is not read.
/// </summary>
internal sealed unsafe class MemoryPipe
{
    /// <summary>Frames with no more payload than this are copied into the pipe.</summary>
    public const int LargestCopied = 16 * 1024;

    private const int Slots = 128;
    private const int CopyBytes = 4 * LargestCopied;

    private readonly Shared* _shared = (Shared*)NativeMemory.AlignedAlloc((nuint)sizeof(Shared), 128);
    private readonly Slot* _slots = (Slot*)NativeMemory.AlignedAlloc((nuint)(Slots * sizeof(Slot)), 64);
    private readonly byte* _copies = (byte*)NativeMemory.AlignedAlloc(CopyBytes, 64);
    private Waker? _writer;
    private Waker? _reader;
    private int _ends = 2;

    // The writer's own.
    private long _borrowed;
    private long _copied;

    // The reader's own.
    private long _offset;

    public MemoryPipe() => *_shared = default;

    [Flags]
    private enum Content
    {
        None = 0,
        Frame = 1,
        Borrowed = 2,
        Copied = 4,
    }

    public bool ReaderGone => Volatile.Read(ref _shared->ReaderGone) != 0;

    public bool WriterGone => Volatile.Read(ref _shared->WriterGone) != 0;

    /// <summary>Whether nothing readable is there or will come. (What was published before the writer left is still read, unless it was taken back.)</summary>
    public bool IsOver => WriterGone && (Head() is null || IsRevoked);

    /// <summary>Whether the reader is past everything that it reads in the writer's memory.</summary>
    public bool IsReadUpToBorrowed => Volatile.Read(ref _shared->Consumed) >= _borrowed;

    public long BytesPublished { get; private set; }

    public long BytesConsumed => Volatile.Read(ref _shared->BytesConsumed);

    public void AttachWriter(Waker waker)
    {
        Volatile.Write(ref _writer, waker);
        Interlocked.MemoryBarrier();
    }

    public void AttachReader(Waker waker)
    {
        Volatile.Write(ref _reader, waker);
        Interlocked.MemoryBarrier();
    }

    public void WakeReader() => Volatile.Read(ref _reader)?.Wake();

    public bool TryPublish(in RingFrame frame)
    {
        if (NextSlot() is var slot && slot is null)
            return false;
        *slot = new Slot { Content = Content.Frame, Frame = frame };
        Volatile.Write(ref _shared->Published, _shared->Published + 1);
        return true;
    }

    public bool TryPublish(byte* bytes, long length)
    {
        if (NextSlot() is var slot && slot is null)
            return false;
        *slot = new Slot { Content = Content.Borrowed, Bytes = bytes, Length = length };
        BytesPublished += length;
        _borrowed = _shared->Published + 1;
        Volatile.Write(ref _shared->Published, _borrowed);
        return true;
    }

    /// <param name="bytes">First byte.</param>
    /// <param name="length">Bytes; no more than <see cref="LargestCopied"/>.</param>
    /// <param name="frame">The frame that begins with them, if one does.</param>
    public bool TryPublishCopy(byte* bytes, long length, RingFrame? frame = null)
    {
        var at = _copied % CopyBytes;
        var skipped = at + length > CopyBytes ? CopyBytes - at : 0;
        if (_copied + skipped + length - Volatile.Read(ref _shared->CopyConsumed) > CopyBytes || NextSlot() is var slot && slot is null)
            return false;
        var copy = _copies + (skipped > 0 ? 0 : at);
        Buffer.MemoryCopy(bytes, copy, length, length);
        _copied += skipped + length;
        *slot = new Slot { Content = Content.Copied | (frame is null ? Content.None : Content.Frame), Bytes = copy, Length = length, CopyEnd = _copied, Frame = frame ?? default };
        BytesPublished += length;
        Volatile.Write(ref _shared->Published, _shared->Published + 1);
        return true;
    }

    /// <summary>Takes back what is not read yet; returns when the reader reads nothing of it any more.</summary>
    public void Revoke()
    {
        Volatile.Write(ref _shared->RevokedUpTo, _shared->Published);
        Interlocked.MemoryBarrier();
        _borrowed = 0;
        var wait = default(SpinWait);
        while (Volatile.Read(ref _shared->Reading) != 0)
            wait.SpinOnce(sleep1Threshold: -1);
    }

    public bool TryReadFrame(out RingFrame frame)
    {
        frame = default;
        if (Head() is var slot && (slot is null || IsRevoked))
            return false;
        if ((slot->Content & Content.Frame) != Content.None)
            frame = slot->Frame;
        slot->Content &= ~Content.Frame;
        if (slot->Content == Content.None)
            Advance(slot);
        return true;
    }

    /// <summary>The next stretch, or its beginning; null when there is none now, or it is taken back.</summary>
    public byte* Borrow(long most, int elementBytes, out long length)
    {
        length = 0;
        if (Head() is var slot && slot is null)
            return null;
        _shared->Reading = 1;
        Interlocked.MemoryBarrier();
        length = IsRevoked || (slot->Content & Content.Frame) != Content.None ? 0 : Math.Min(most, slot->Length - _offset) / elementBytes * elementBytes;
        if (length > 0)
            return slot->Bytes + _offset;
        Volatile.Write(ref _shared->Reading, 0);
        return null;
    }

    public void Return(long length)
    {
        Volatile.Write(ref _shared->Reading, 0);
        var slot = Head();
        _offset += length;
        Volatile.Write(ref _shared->BytesConsumed, _shared->BytesConsumed + length);
        if (_offset == slot->Length)
            Advance(slot);
    }

    /// <summary>Drops the next item unread; a frame is told.</summary>
    public bool TryDrop(out RingFrame? frame)
    {
        frame = null;
        if (Head() is var slot && slot is null)
            return false;
        if ((slot->Content & Content.Frame) != Content.None)
            frame = slot->Frame;
        if (slot->Content != Content.Frame)
            Volatile.Write(ref _shared->BytesConsumed, _shared->BytesConsumed + slot->Length - _offset);
        Advance(slot);
        return true;
    }

    public void LeaveWriter()
    {
        Volatile.Write(ref _shared->WriterGone, 1);
        WakeReader();
    }

    public void LeaveReader()
    {
        Volatile.Write(ref _shared->ReaderGone, 1);
        Volatile.Read(ref _writer)?.Wake();
    }

    /// <summary>The last end to go frees what they share.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _ends) > 0)
            return;
        NativeMemory.AlignedFree(_shared);
        NativeMemory.AlignedFree(_slots);
        NativeMemory.AlignedFree(_copies);
    }

    private bool IsRevoked => _shared->Consumed < Volatile.Read(ref _shared->RevokedUpTo);

    private Slot* NextSlot() => _shared->Published - Volatile.Read(ref _shared->Consumed) == Slots ? null : _slots + (_shared->Published % Slots);

    private Slot* Head() => Volatile.Read(ref _shared->Published) == _shared->Consumed ? null : _slots + (_shared->Consumed % Slots);

    private void Advance(Slot* slot)
    {
        if ((slot->Content & Content.Copied) != Content.None)
            Volatile.Write(ref _shared->CopyConsumed, slot->CopyEnd);
        _offset = 0;
        Volatile.Write(ref _shared->Consumed, _shared->Consumed + 1);
        Volatile.Read(ref _writer)?.Wake();
    }

    private struct Slot
    {
        public Content Content;
        public byte* Bytes;
        public long Length;
        public long CopyEnd;
        public RingFrame Frame;
    }

    // What one side writes has cache lines of its own.
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Shared
    {
        [FieldOffset(0)]
        public long Published;
        [FieldOffset(8)]
        public long RevokedUpTo;
        [FieldOffset(16)]
        public int WriterGone;

        [FieldOffset(128)]
        public long Consumed;
        [FieldOffset(136)]
        public long BytesConsumed;
        [FieldOffset(144)]
        public long CopyConsumed;
        [FieldOffset(152)]
        public int ReaderGone;

        [FieldOffset(256)]
        public int Reading;
    }
}
