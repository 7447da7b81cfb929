using System.Net;
using System.Net.Sockets;

namespace TrainMover.Collectives;

/// <summary>Edges between two ranks of this process.</summary>
internal static class LoopbackEdges
{
    public static (OutboundEdge Outbound, InboundEdge Inbound) Create(Member from, Member to)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var writer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        writer.Connect(listener.LocalEndPoint!);
        var reader = listener.Accept();
        reader.NoDelay = true;
        return (new OutboundEdge(writer, to), new InboundEdge(reader, from));
    }
}
