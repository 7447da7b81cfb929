using Microsoft.Win32.SafeHandles;

namespace TrainMover.Collectives;

/// <summary>An eventfd: wakes a thread that waits in poll. Safe to set while another thread disposes it.</summary>
internal sealed unsafe class Signal : SafeHandleMinusOneIsInvalid
{
    public Signal()
        : base(ownsHandle: true)
    {
        var descriptor = Libc.EventDescriptor(0, Libc.EventNonBlocking | Libc.EventCloseOnExec);
        if (descriptor < 0)
            throw new InvalidOperationException($"eventfd failed with error {System.Runtime.InteropServices.Marshal.GetLastPInvokeError()}.");
        SetHandle(descriptor);
    }

    public int Descriptor => (int)handle;

    public void Set() => Use(set: true);

    public void Reset() => Use(set: false);

    protected override bool ReleaseHandle() => Libc.Close((int)handle) == 0;

    private void Use(bool set)
    {
        var held = false;
        ulong count = 1;
        try
        {
            DangerousAddRef(ref held);
            _ = set ? Libc.Write(Descriptor, &count, sizeof(ulong)) : Libc.Read(Descriptor, &count, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // Nobody waits for it any more.
        }
        finally
        {
            if (held)
                DangerousRelease();
        }
    }
}
