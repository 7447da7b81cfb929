using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace TrainMover.Embedded;

/// <summary>One mock cluster of librdkafka with a single broker on a port of 127.0.0.1 that the system chose.</summary>
internal sealed partial class MockCluster : IDisposable
{
    private const string Library = "librdkafka";
    private const int Producer = 0;
    private const int BrokerId = 1;

    // Builds of librdkafka.redist; the first needs libsasl2, which not every machine has. Confluent.Kafka tries them in the same order.
    private static readonly string[] Builds = [Library, "centos8-librdkafka", "alpine-librdkafka"];

    private readonly nint _client;
    private readonly nint _cluster;

    static MockCluster() => NativeLibrary.SetDllImportResolver(typeof(MockCluster).Assembly, static (name, assembly, search) =>
    {
        foreach (var build in name == Library ? Builds : [])
        {
            if (NativeLibrary.TryLoad(build, assembly, search, out var handle))
                return handle;
        }
        return 0;
    });

    /// <param name="advertised">Port on which clients are told to connect.</param>
    public MockCluster(int advertised)
    {
        var configuration = ConfNew();
        var message = new byte[512];
        // The client exists for the cluster's bookkeeping only: without brokers it connects nowhere, and its notices help nobody.
        _ = ConfSet(configuration, "log_level", "2", message, message.Length);
        _client = New(Producer, configuration, message, message.Length);
        if (_client == 0)
            throw new InvalidOperationException($"librdkafka refused a client: {System.Text.Encoding.UTF8.GetString(message).TrimEnd('\0')}");
        _cluster = ClusterNew(_client, 1);
        if (_cluster == 0)
        {
            Destroy(_client);
            throw new InvalidOperationException("librdkafka could not open a port for its broker.");
        }
        // Kafka waits 3 s for further members of a new group; here there is nothing to wait for.
        GroupInitialRebalanceDelay(_cluster, 10);
        // Without a controller nobody answers who the cluster is.
        SetControllerId(_cluster, BrokerId);
        // Versions that the door reads.
        Check(SetApiVersion(_cluster, KafkaRequest.Fetch, KafkaRequest.FetchFrom, KafkaRequest.FetchTo));
        Check(SetApiVersion(_cluster, KafkaRequest.Produce, KafkaRequest.ProduceFrom, KafkaRequest.ProduceTo));
        var address = Marshal.PtrToStringUTF8(ClusterBootstraps(_cluster))!;
        Port = int.Parse(address[(address.LastIndexOf(':') + 1)..]);
        BrokerSetHostPort(_cluster, BrokerId, "127.0.0.1", advertised);
    }

    /// <summary>Where the broker listens.</summary>
    public int Port { get; }

    public void CreateTopic(string topic, int partitions)
    {
        var error = TopicCreate(_cluster, topic, partitions, 1);
        if (error is not (ErrorCode.NoError or ErrorCode.TopicAlreadyExists))
            throw new KafkaException(new Error(error));
    }

    public void DelayAnswers(int milliseconds) => Check(BrokerSetRtt(_cluster, BrokerId, milliseconds));

    public void Dispose()
    {
        ClusterDestroy(_cluster);
        Destroy(_client);
    }

    private static void Check(ErrorCode error)
    {
        if (error != ErrorCode.NoError)
            throw new KafkaException(new Error(error));
    }

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_new")]
    private static partial nint ConfNew();

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ConfSet(nint configuration, string name, string value, byte[] error, nint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_new")]
    private static partial nint New(int type, nint configuration, byte[] error, nint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_destroy")]
    private static partial void Destroy(nint client);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_new")]
    private static partial nint ClusterNew(nint client, int brokers);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_destroy")]
    private static partial void ClusterDestroy(nint cluster);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_bootstraps")]
    private static partial nint ClusterBootstraps(nint cluster);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_set_apiversion")]
    private static partial ErrorCode SetApiVersion(nint cluster, short api, short from, short to);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_broker_set_host_port", StringMarshalling = StringMarshalling.Utf8)]
    private static partial void BrokerSetHostPort(nint cluster, int broker, string host, int port);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_broker_set_rtt")]
    private static partial ErrorCode BrokerSetRtt(nint cluster, int broker, int milliseconds);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_group_initial_rebalance_delay_ms")]
    private static partial void GroupInitialRebalanceDelay(nint cluster, int milliseconds);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_set_controller_id")]
    private static partial void SetControllerId(nint cluster, int broker);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_topic_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial ErrorCode TopicCreate(nint cluster, string topic, int partitions, int replicas);
}
