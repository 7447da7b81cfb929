namespace TrainMover.Embedded;

/// <summary>What the broker's door must know of a request. Fetch and Produce are read in the versions that <see cref="MockCluster"/> offers.</summary>
/// <param name="Api">Kafka's number of the call.</param>
/// <param name="Version">Version of its fields.</param>
/// <param name="Topics">Topics of a Fetch or Produce.</param>
/// <param name="WaitMs">How long a Fetch may be held, in milliseconds.</param>
/// <param name="WaitAt">Where that is written in the frame.</param>
/// <param name="WantsAnswer">False of a Produce that wants none (acks 0).</param>
/// <param name="AcksAt">Where a Produce says that.</param>
internal readonly record struct KafkaRequest(short Api, short Version, IReadOnlyList<string> Topics, int WaitMs = 0, int WaitAt = 0, bool WantsAnswer = true, int AcksAt = 0)
{
    public const short Produce = 0;
    public const short Fetch = 1;

    /// <summary>First versions that carry today's format of messages (Kafka 0.11).</summary>
    public const short FetchFrom = 4, ProduceFrom = 3;

    /// <summary>Last version of Fetch whose fields have no variable encoding (Kafka 2.3).</summary>
    public const short FetchTo = 11;

    /// <summary>Last version of Produce that the mock cluster reads without variable encoding (Kafka 2.1).</summary>
    public const short ProduceTo = 7;

    // Fields of a Fetch that came with later versions.
    private const short WithFirstOffset = 5;
    private const short WithSession = 7;
    private const short WithLeaderEpoch = 9;
    private const short WithPreferredReplica = 11;
    private const int AbortedTransactionBytes = 8 + 8;

    /// <exception cref="InvalidDataException">The frame is shorter than it says.</exception>
    public static KafkaRequest Read(ReadOnlySpan<byte> bytes)
    {
        var frame = new KafkaFrame(bytes);
        var (api, version) = (frame.Int16(), frame.Int16());
        frame.Skip(sizeof(int)); // correlation id
        return (api, version) switch
        {
            (Fetch, >= FetchFrom and <= FetchTo) => ReadFetch(frame, version),
            (Produce, >= ProduceFrom and <= ProduceTo) => ReadProduce(frame, version),
            _ => new KafkaRequest(api, version, []),
        };
    }

    /// <summary>Whether an answer to this Fetch holds messages or an error.</summary>
    /// <exception cref="InvalidDataException">The frame is shorter than it says.</exception>
    public bool HasNews(ReadOnlySpan<byte> answer)
    {
        var frame = new KafkaFrame(answer);
        frame.Skip(sizeof(int) + sizeof(int)); // correlation id, throttle time
        if (Version >= WithSession)
        {
            if (frame.Int16() != 0)
                return true;
            frame.Skip(sizeof(int)); // session
        }

        var offsets = Version >= WithFirstOffset ? 3 : 2; // high watermark, last stable offset, first offset
        for (var topics = frame.Count(); topics > 0; topics--)
        {
            frame.SkipName();
            for (var partitions = frame.Count(); partitions > 0; partitions--)
            {
                frame.Skip(sizeof(int));
                var error = frame.Int16();
                frame.Skip(sizeof(long) * offsets);
                frame.Skip(frame.Count() * AbortedTransactionBytes);
                frame.Skip(Version >= WithPreferredReplica ? sizeof(int) : 0);
                if (error != 0 || frame.SkipBytes() > 0)
                    return true;
            }
        }

        return false;
    }

    private static KafkaRequest ReadFetch(KafkaFrame frame, short version)
    {
        frame.SkipName(); // client id
        frame.Skip(sizeof(int)); // replica
        var waitAt = frame.Position;
        var wait = frame.Int32();
        frame.Skip(sizeof(int) + sizeof(int) + sizeof(byte)); // least and most bytes, isolation
        frame.Skip(version >= WithSession ? sizeof(int) + sizeof(int) : 0);
        var partitionBytes = sizeof(int) + (version >= WithLeaderEpoch ? sizeof(int) : 0) + sizeof(long) + (version >= WithFirstOffset ? sizeof(long) : 0) + sizeof(int);
        var topics = new string[frame.Count()];
        for (var topic = 0; topic < topics.Length; topic++)
        {
            topics[topic] = frame.Name();
            for (var partitions = frame.Count(); partitions > 0; partitions--)
                frame.Skip(partitionBytes);
        }

        return new KafkaRequest(Fetch, version, topics, wait, waitAt);
    }

    private static KafkaRequest ReadProduce(KafkaFrame frame, short version)
    {
        frame.SkipName(); // client id
        frame.SkipName(); // transactional id
        var acksAt = frame.Position;
        var acks = frame.Int16();
        frame.Skip(sizeof(int)); // deadline
        var topics = new string[frame.Count()];
        for (var topic = 0; topic < topics.Length; topic++)
        {
            topics[topic] = frame.Name();
            for (var partitions = frame.Count(); partitions > 0; partitions--)
            {
                frame.Skip(sizeof(int));
                frame.SkipBytes();
            }
        }

        return new KafkaRequest(Produce, version, topics, WantsAnswer: acks != 0, AcksAt: acksAt);
    }
}
