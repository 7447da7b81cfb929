using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace TrainMover.Embedded;

/// <summary>
/// A client's connection, and one to the mock cluster behind it. Requests are answered one after the other, as by Kafka's brokers. A fetch that finds nothing is held here until something is produced or its time is over:
/// the cluster would answer when its time is over, whatever was produced meanwhile.
/// </summary>
/// <param name="client">The client's end; taken over.</param>
/// <param name="purgatory">Where fetches wait.</param>
internal sealed class BrokerConnection(Socket client, FetchPurgatory purgatory) : IDisposable
{
    // Kafka's socket.request.max.bytes.
    private const int LongestFrame = 100 * 1024 * 1024;
    private const int LengthBytes = sizeof(int);
    private const int FirstBuffer = 16 * 1024;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly Socket _cluster = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _request = new byte[FirstBuffer];
    private byte[] _answer = new byte[FirstBuffer];

    /// <summary>Serves until one side ends it.</summary>
    /// <param name="clusterPort">Port of the mock cluster on 127.0.0.1.</param>
    public void Serve(int clusterPort)
    {
        try
        {
            client.NoDelay = true;
            _cluster.Connect(IPAddress.Loopback, clusterPort);
            while (Receive(client, ref _request) is > 0 and var length)
            {
                var request = KafkaRequest.Read(_request.AsSpan(LengthBytes, length));
                var answered = request.Api == KafkaRequest.Fetch && request.WaitMs > 0 ? Fetch(request, length) : Ask(request, length);
                if (answered == 0)
                    return;
                if (request.Api == KafkaRequest.Produce)
                    purgatory.Produced(request.Topics);
                if (request.WantsAnswer)
                    Send(client, _answer, answered);
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException or InvalidDataException)
        {
            // One side is gone, the broker is down, or the client does not speak the protocol: brokers hang up without a word.
        }
    }

    /// <summary>Resets the client's connection, whatever it is in the middle of.</summary>
    public void Reset()
    {
        client.Close(0);
        _cluster.Dispose();
    }

    public void Dispose()
    {
        client.Dispose();
        _cluster.Dispose();
    }

    /// <returns>Length of the answer, 0 where none came.</returns>
    private int Ask(KafkaRequest request, int length)
    {
        // Asked here all the same: without an answer nobody knows when it is there for those who wait for it.
        if (!request.WantsAnswer)
            BinaryPrimitives.WriteInt16BigEndian(_request.AsSpan(LengthBytes + request.AcksAt), 1);
        Send(_cluster, _request, length);
        return Receive(_cluster, ref _answer);
    }

    private int Fetch(KafkaRequest request, int length)
    {
        var wait = TimeSpan.FromMilliseconds(request.WaitMs);
        if (wait > LongestWait)
            wait = LongestWait;
        BinaryPrimitives.WriteInt32BigEndian(_request.AsSpan(LengthBytes + request.WaitAt), 0);
        using var delayed = purgatory.Enter(request.Topics);
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var answered = Ask(request, length);
            var left = wait - Stopwatch.GetElapsedTime(began);
            if (answered == 0 || left <= TimeSpan.Zero || request.HasNews(_answer.AsSpan(LengthBytes, answered)) || !delayed.Wait(left))
                return answered;
        }
    }

    private static void Send(Socket socket, byte[] frame, int length)
    {
        for (var rest = frame.AsSpan(0, LengthBytes + length); rest.Length > 0;)
            rest = rest[socket.Send(rest)..];
    }

    /// <returns>Length of the frame without its length field; 0 at the end of the connection.</returns>
    private static int Receive(Socket socket, ref byte[] frame)
    {
        if (!Fill(socket, frame.AsSpan(0, LengthBytes)))
            return 0;
        var length = BinaryPrimitives.ReadInt32BigEndian(frame);
        if (length is <= 0 or > LongestFrame)
            throw new InvalidDataException($"A frame of {length} bytes is no request.");
        if (frame.Length < LengthBytes + length)
            Array.Resize(ref frame, LengthBytes + length);
        return Fill(socket, frame.AsSpan(LengthBytes, length)) ? length : 0;
    }

    private static bool Fill(Socket socket, Span<byte> rest)
    {
        while (rest.Length > 0)
        {
            var received = socket.Receive(rest);
            if (received == 0)
                return false;
            rest = rest[received..];
        }

        return true;
    }
}
