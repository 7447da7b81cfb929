using System.Net;
using System.Net.Sockets;

namespace TrainMover.Collectives.Tests.Handshakes;

public sealed class DialingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task Whoever_was_welcomed_late_does_not_give_up_before_the_listener_has_had_time_to_take_the_connection()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var hello = new Hello("job", 2, "digest", "m0", "m1", new ConnectionName(ConnectionPurpose.Bootstrap, default, 0, 0, 1));
        var dialing = Dialing.Start((IPEndPoint)listener.LocalEndpoint, hello, Cluster.Key, Patience, Cluster.Deadline());
        using var accepted = await listener.AcceptSocketAsync(Cluster.Deadline());
        await using var stream = new NetworkStream(accepted);
        dialing.Advance().ShouldBeFalse();
        var start = await ReadAsync(stream, Handshake.StartBytes);
        var payload = await ReadAsync(stream, Handshake.PayloadBytes(start));
        var (welcome, confirm) = Handshake.Answer(payload, await ReadAsync(stream, Handshake.ProofBytes), Cluster.Key);

        await Bounded.UntilAsync(() => dialing.Left < Patience / 4, "its patience to be nearly over");
        await accepted.SendAsync(welcome, Cluster.Deadline());
        await Bounded.UntilAsync(() => !dialing.Advance() && accepted.Available > 0, "the welcome to arrive");
        dialing.Left.ShouldBeGreaterThan(Patience / 4);
        (await ReadAsync(stream, Handshake.ProofBytes)).ShouldBe(confirm);
        await accepted.SendAsync(Handshake.Ready.ToArray(), Cluster.Deadline());
        await Bounded.UntilAsync(dialing.Advance, "the listener's last word");
        (await dialing.Outcome).Dispose();
    }

    private static async Task<byte[]> ReadAsync(Stream stream, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, Cluster.Deadline());
        return bytes;
    }
}
