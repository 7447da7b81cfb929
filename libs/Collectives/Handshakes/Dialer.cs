using System.Net;
using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>Opens connections: dials, proves its place, and tries again while the other side is not there yet.</summary>
internal sealed class Dialer(HandshakeLoop loop, TimeSpan patience)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(200);

    /// <exception cref="OperationCanceledException">Not connected in time; the inner exception is what the last attempt met.</exception>
    public async Task<Socket> DialAsync(Membership membership, ConnectionName name, Member peer, CancellationToken ct)
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
                return await DialAsync(membership, name, peer, endPoint, ct).ConfigureAwait(false);
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

    private async Task<Socket> DialAsync(Membership membership, ConnectionName name, Member peer, IPEndPoint endPoint, CancellationToken ct)
    {
        var dialing = Dialing.Start(endPoint, membership.HelloTo(peer, name), membership.To.Key, patience, ct);
        loop.Add(dialing);
        using (ct.UnsafeRegister(static loop => ((HandshakeLoop)loop!).Wake(), loop))
            return await dialing.Outcome.ConfigureAwait(false);
    }
}
