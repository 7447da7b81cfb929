using System.Net;
using System.Net.Sockets;

namespace TrainMover.Embedded;

/// <summary>
/// A Kafka broker inside this process: the mock cluster of librdkafka behind a TCP port of our choosing. It speaks the real protocol to clients in any process and language (of Kafka 0.11 and later), keeps everything in memory
/// (5 MB per partition, oldest dropped), creates topics on first use with 4 partitions, and has no CreateTopics.
/// </summary>
/// <remarks>
/// The cluster answers a fetch that finds nothing when its time is over and not when something is produced; <see cref="BrokerConnection"/> holds such fetches in its place.
/// </remarks>
public sealed class EmbeddedBroker : IDisposable
{
    private readonly Lock _gate = new();
    private MockCluster _cluster;
    private BrokerDoor _door;
    private bool _disposed;

    private EmbeddedBroker(Socket listener)
    {
        Port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        _cluster = new MockCluster(Port);
        _door = new BrokerDoor(listener, _cluster.Port);
        IsUp = true;
    }

    /// <summary>Address for clients, <c>127.0.0.1:port</c>; the same for the whole life of this broker.</summary>
    public string BootstrapServers => $"127.0.0.1:{Port}";

    /// <summary>TCP port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Whether connections are accepted.</summary>
    public bool IsUp { get; private set; }

    /// <summary>Starts a broker.</summary>
    /// <param name="port">Port on 127.0.0.1, or null for a free one.</param>
    /// <exception cref="EmbeddedBrokerException">The port is taken.</exception>
    public static EmbeddedBroker Start(int? port = null)
    {
        try
        {
            return new EmbeddedBroker(BrokerDoor.Listen(port ?? 0));
        }
        catch (SocketException taken)
        {
            throw new EmbeddedBrokerException($"Port {port} is taken: choose another, or none for a free one.", taken);
        }
    }

    /// <summary>Creates a topic with a chosen number of partitions; nothing happens when it exists.</summary>
    /// <param name="topic">Full name.</param>
    /// <param name="partitions">Number of partitions, at least 1.</param>
    public void CreateTopic(string topic, int partitions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(partitions, 1);
        lock (_gate)
            _cluster.CreateTopic(topic, partitions);
    }

    /// <summary>Outage: open connections are reset and new ones refused. Topics, messages and group offsets stay.</summary>
    public void SetDown()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _door.Dispose();
            IsUp = false;
        }
    }

    /// <summary>Ends an outage.</summary>
    public void SetUp()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (IsUp)
                return;
            _door = new BrokerDoor(BrokerDoor.Listen(Port), _cluster.Port);
            IsUp = true;
        }
    }

    /// <summary>Replaces the broker by an empty one at the same address: no topics, no messages, no group offsets, another cluster id.</summary>
    public void Empty()
    {
        lock (_gate)
        {
            SetDown();
            // The new one is made first: a cluster id is derived from addresses in memory, which must differ.
            var old = _cluster;
            _cluster = new MockCluster(Port);
            old.Dispose();
            SetUp();
        }
    }

    /// <summary>Delays every answer, as a far or busy broker would.</summary>
    /// <param name="delay">Round trip time added; zero ends it.</param>
    public void DelayAnswers(TimeSpan delay)
    {
        lock (_gate)
            _cluster.DelayAnswers((int)delay.TotalMilliseconds);
    }

    /// <summary>Ends the broker; what it held is gone.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            SetDown();
            _disposed = true;
            _cluster.Dispose();
        }
    }
}

/// <summary>The embedded broker could not be started; the message says what to do.</summary>
public sealed class EmbeddedBrokerException(string message, Exception? inner = null) : Exception(message, inner);
