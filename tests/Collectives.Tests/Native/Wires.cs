using System.Net;
using System.Net.Sockets;
using System.Text;

namespace TrainMover.Collectives.Tests.Native;

public sealed class Wires
{
    private const int TcpLevel = 6;
    private const int TcpCongestion = 13;

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task Both_ends_of_a_connection_inside_a_host_know_that_it_is_one(string address)
    {
        Assert.SkipUnless(address == "127.0.0.1" || Socket.OSSupportsIPv6, "There is no IPv6 here.");
        var endPoint = new IPEndPoint(IPAddress.Parse(address), 0);
        using var listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(endPoint);
        listener.Listen();
        using var dialed = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        Wire.TryConnect(dialed, (IPEndPoint)listener.LocalEndPoint!).ShouldBe(0);
        using var accepted = await listener.AcceptAsync(TestContext.Current.CancellationToken);

        foreach (var end in (Socket[])[dialed, accepted])
        {
            var chosenBySystem = end.SendBufferSize;
            Wire.PrepareForData(end, limitsUnderWay: true);
            var congestion = new byte[16];
            var length = end.GetRawSocketOption(TcpLevel, TcpCongestion, congestion);
            Encoding.ASCII.GetString(congestion, 0, length).ShouldStartWith("reno");
            end.SendBufferSize.ShouldNotBe(chosenBySystem);
        }
    }
}
