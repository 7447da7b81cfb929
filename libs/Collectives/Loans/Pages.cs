using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

/// <summary>Pages of this process's memory.</summary>
internal static unsafe class Pages
{
    private const long LargePage = 2 * 1024 * 1024;
    private static readonly nint Page = Environment.SystemPageSize;

    /// <summary>The whole pages of a stretch: nobody but its owner has bytes in them.</summary>
    public static (nint From, nint To) WholeIn(byte* first, long length) =>
        (((nint)first + Page - 1) / Page * Page, ((nint)first + (nint)length) / Page * Page);

    /// <summary>Asks for large pages where whole ones fit. A system that does not know them leaves things as they are.</summary>
    public static void PreferLarge(byte* first, long length)
    {
        var from = ((long)first + LargePage - 1) / LargePage * LargePage;
        var to = ((long)first + length) / LargePage * LargePage;
        if (to > from)
            _ = Libc.Advise((void*)from, (nuint)(to - from), Libc.LargePages);
    }

    /// <summary>
    /// Leaves the pages of a stretch to whoever in the system refers to them, as they are now, and has new ones at the same addresses. Nobody may write to them meanwhile; reading is safe.
    /// </summary>
    /// <param name="first">Its first byte.</param>
    /// <param name="past">The one behind its last.</param>
    /// <param name="keepsBytes">Whether the new pages have the same bytes, which is a copy; else zeros.</param>
    /// <exception cref="IOException">The system gave no pages.</exception>
    public static void Leave(nint first, nint past, bool keepsBytes)
    {
        var from = first / Page * Page;
        var length = ((past + Page - 1) / Page * Page) - from;
        var fresh = Libc.Map(keepsBytes ? null : (void*)from, (nuint)length, Libc.ReadAndWrite, Libc.PrivateAnonymous | (keepsBytes ? 0 : Libc.InPlace), -1, 0);
        if (fresh == Libc.MapFailed)
            throw NotMoved(length);
        PreferLarge((byte*)fresh, length);
        if (!keepsBytes)
            return;
        Buffer.MemoryCopy((void*)from, fresh, length, length);
        if (Libc.Remap(fresh, (nuint)length, (nuint)length, Libc.RemapTo, (void*)from) == Libc.MapFailed)
            throw NotMoved(length);
    }

    private static IOException NotMoved(long length) =>
        new($"{length} bytes of a failed call could not be moved to new pages: {Marshal.GetLastPInvokeErrorMessage()}.");
}
