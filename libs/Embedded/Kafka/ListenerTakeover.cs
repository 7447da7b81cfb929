using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace TrainMover.Embedded;

/// <summary>
/// Gives a listener that library code opened inside this process another port: a listening socket of ours is duplicated onto its descriptor
/// (<c>dup3(2)</c>), so that the library accepts from ours without knowing. What it listened on before is closed by the system.
/// </summary>
internal static partial class ListenerTakeover
{
    private const string Libc = "libc";
    private const int SocketLevel = 1;
    private const int AcceptsConnections = 30;
    // A child process must not keep the port.
    private const int CloseOnExec = 0x80000;
    private const int Backlog = 128;

    /// <summary>A listener on 127.0.0.1.</summary>
    /// <param name="port">Port, or 0 for a free one.</param>
    /// <exception cref="SocketException">The port is taken.</exception>
    public static Socket Listen(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(Backlog);
            socket.Blocking = false;
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Lets the library accept from this listener instead; takes the socket over.</summary>
    /// <param name="port">Port on which the library listens.</param>
    /// <param name="listener">Listens where the library shall.</param>
    /// <exception cref="InvalidOperationException">This process does not listen on that port.</exception>
    public static void Replace(int port, Socket listener)
    {
        using (listener)
        {
            var sockets = Directory.EnumerateFiles("/proc/self/fd").Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture));
            var theirs = sockets.Where(descriptor => ListensOn(descriptor, port)).DefaultIfEmpty(-1).First();
            if (theirs < 0)
                throw new InvalidOperationException($"This process has no listener on port {port}.");
            if (Duplicate((int)listener.Handle, theirs, CloseOnExec) < 0)
                throw new SocketException(Marshal.GetLastPInvokeError());
        }
    }

    private static unsafe bool ListensOn(int descriptor, int port)
    {
        var address = stackalloc byte[28];
        int length = 28, listening = 0, size = sizeof(int);
        return Name(descriptor, address, &length) == 0
            && ((address[2] << 8) | address[3]) == port
            && Option(descriptor, SocketLevel, AcceptsConnections, &listening, &size) == 0
            && listening != 0;
    }

    [LibraryImport(Libc, EntryPoint = "dup3", SetLastError = true)]
    private static partial int Duplicate(int from, int to, int flags);

    [LibraryImport(Libc, EntryPoint = "getsockname")]
    private static unsafe partial int Name(int descriptor, byte* address, int* length);

    [LibraryImport(Libc, EntryPoint = "getsockopt")]
    private static unsafe partial int Option(int descriptor, int level, int option, int* value, int* length);
}
