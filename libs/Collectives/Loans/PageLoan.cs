using Microsoft.Win32.SafeHandles;

namespace TrainMover.Collectives;

/// <summary>
/// What a socket sends of one frame without copying it: the caller's pages go into a pipe and from there to the socket (vmsplice and splice), and are read where they lie. Only whole pages of the frame's buffer are
/// lent, so that a failed call can leave them to the socket.
/// </summary>
internal sealed unsafe class PageLoan : IDisposable
{
    /// <summary>Frames of fewer bytes are copied: waiting for their reader would cost more.</summary>
    public const long LeastFrame = 1024 * 1024;

    // Fewer bytes at once are copied too.
    private const long LeastPiece = 32 * 1024;
    private const int PipeBytes = 256 * 1024;

    private SafeFileHandle? _into;
    private SafeFileHandle? _outOf;
    private int _inPipe;
    private bool _refused;
    private bool _keepsBytes;
    private nint _from;
    private nint _to;
    private nint _lentFrom;
    private nint _lentTo;

    /// <summary>Begins a frame of which such a buffer's pages may be lent. False when they can't be.</summary>
    /// <param name="buffer">The buffer.</param>
    /// <param name="length">Its length.</param>
    /// <param name="keepsBytes">Whether the buffer still has its bytes when the frame fails. Of a sum that failed it holds nothing of use, and copying a job's gradients would be part of a pause.</param>
    public bool TryBegin(byte* buffer, long length, bool keepsBytes)
    {
        _keepsBytes = keepsBytes;
        (_from, _to) = Pages.WholeIn(buffer, length);
        (_lentFrom, _lentTo) = (_to, _from);
        return !_refused && _to - _from >= LeastPiece && RegisteredMemory.Covers(buffer, length) && TryOpen();
    }

    /// <summary>Whether the next bytes go by loan; the length is cut to where that ends.</summary>
    public bool Lends(byte* bytes, ref long length)
    {
        var first = (nint)bytes;
        if (first < _from)
            length = Math.Min(length, _from - first);
        var lent = first < _from ? 0 : Math.Min(length, _to - first);
        if (_inPipe == 0 && lent < LeastPiece)
            return false;
        length = lent;
        return true;
    }

    /// <summary>Sends what goes now: bytes sent, 0 when the socket takes none now, or a negative error number. The next call goes on behind what was sent.</summary>
    public int TrySend(int descriptor, byte* bytes, long length)
    {
        if (_inPipe == 0 && !TryFill(bytes, length))
            return Wire.TrySend(descriptor, bytes, length);
        var sent = Wire.TrySend(descriptor, _outOf!, _inPipe);
        _inPipe -= Math.Max(0, sent);
        return sent;
    }

    /// <summary>The frame failed: what was lent is left to the socket, which may still send it or have it read, and what is not sent is taken back.</summary>
    public void Leave()
    {
        if (_inPipe > 0)
            Close();
        if (_lentTo > _lentFrom)
            Pages.Leave(_lentFrom, _lentTo, _keepsBytes);
    }

    public void Dispose() => Close();

    // A system that lends no pages, or not to this process, has them copied from then on.
    private bool TryFill(byte* bytes, long length)
    {
        var stretch = new Stretch { Bytes = bytes, Length = (nuint)Math.Min(length, PipeBytes) };
        var filled = Libc.SpliceFromMemory((int)_into!.DangerousGetHandle(), &stretch, 1, Libc.SpliceNonBlocking);
        if (filled <= 0)
        {
            (_refused, _to) = (true, _from);
            return false;
        }

        _inPipe = (int)filled;
        (_lentFrom, _lentTo) = (Math.Min(_lentFrom, (nint)bytes), Math.Max(_lentTo, (nint)bytes + _inPipe));
        return true;
    }

    private bool TryOpen()
    {
        if (_into is not null)
            return true;
        var ends = stackalloc int[2];
        if (Libc.Pipe(ends, Libc.PipeNonBlocking | Libc.PipeCloseOnExec) != 0)
            return false;
        (_outOf, _into) = (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true));
        if (Libc.Control(ends[1], Libc.SetPipeSize, PipeBytes) >= PipeBytes)
            return true;

        // All of a user's pipes together may hold so much.
        Close();
        _refused = true;
        return false;
    }

    private void Close()
    {
        _into?.Dispose();
        _outOf?.Dispose();
        (_into, _outOf, _inPipe) = (null, null, 0);
    }
}
