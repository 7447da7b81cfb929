using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>Opens connections: dials, proves its place, and tries again while the other side is not there yet.</summary>
internal static class Dialer
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(200);

    /// <exception cref="OperationCanceledException">Not connected in time; the inner exception is what the last attempt met.</exception>
    public static async Task<Socket> DialAsync(Membership membership, ConnectionName name, Member peer, TimeSpan patience, CancellationToken ct)
    {
        Exception? last = null;
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                var addresses = IPAddress.TryParse(peer.Host, out var literal)
                    ? [literal]
                    : await Dns.GetHostAddressesAsync(peer.Host, ct).ConfigureAwait(false);
                var endPoint = new IPEndPoint(addresses[0], peer.Port);
                return await Task.Factory.StartNew(
                    () => Dial(membership.HelloTo(peer, name), membership.To.Key, endPoint, patience, ct),
                    ct,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is IOException or TimeoutException or SocketException)
            {
                last = failure;
            }

            try
            {
                ct.ThrowIfCancellationRequested();
                await Task.Delay(pause, ct).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                throw new OperationCanceledException($"{peer.Machine} at {peer.Host}:{peer.Port} did not take the connection: {last.Message}", last, ct);
            }
        }
    }

    private static Socket Dial(Hello hello, byte[] key, IPEndPoint endPoint, TimeSpan patience, CancellationToken ct)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            using (ct.Register(() => Wire.Reset(socket)))
            {
                Connect(socket, endPoint, patience);
                Handshake.Introduce(socket, hello, key, patience);
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Connect(Socket socket, IPEndPoint endPoint, TimeSpan patience)
    {
        socket.Blocking = false;
        var started = Stopwatch.GetTimestamp();
        try
        {
            socket.Connect(endPoint);
        }
        catch (SocketException pending) when (pending.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            Wire.Await(Wire.DescriptorOf(socket), Libc.PollOut, started, patience);
            var error = (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
            if (error != 0)
                throw new SocketException(error);
        }
    }
}
