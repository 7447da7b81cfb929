namespace TrainMover.Collectives;

/// <summary>One call, as this rank makes it.</summary>
internal unsafe struct CollectiveCall
{
    /// <summary>Most bytes of a call over trees.</summary>
    public const long LargestOnTrees = 64 * 1024;

    public RingFrameKind Kind;
    public int Rank;
    public int Size;
    public int Root;

    /// <summary>The buffer; of a shift, what goes to the next rank.</summary>
    public byte* Data;

    /// <summary>Elements of the buffer; of a gathering of blocks, one block per rank.</summary>
    public long Elements;
    public int ElementBytes;
    public WireFormat Format;

    /// <summary>Of a shift: what comes from the previous rank.</summary>
    public byte* Arriving;
    public long ArrivingBytes;

    public readonly long Bytes => Elements * ElementBytes;

    /// <summary>Whether hops cost more than bytes: a sum or a broadcast of few bytes. All ranks say the same.</summary>
    public readonly bool SuitsTrees =>
        Format == WireFormat.Full && Kind is RingFrameKind.AllReduceSum or RingFrameKind.AllReduceMin or RingFrameKind.AllReduceMax or RingFrameKind.Broadcast
        && Bytes <= LargestOnTrees;

    public static CollectiveCall AllReduce(float* data, long elements, int rank, int size, ReduceOperation operation, WireFormat format = WireFormat.Full) => new()
    {
        Format = format,
        Kind = operation switch
        {
            ReduceOperation.Sum => RingFrameKind.AllReduceSum,
            ReduceOperation.Min => RingFrameKind.AllReduceMin,
            ReduceOperation.Max => RingFrameKind.AllReduceMax,
            _ => throw new ArgumentOutOfRangeException(nameof(operation)),
        },
        Data = (byte*)data,
        Elements = elements,
        ElementBytes = sizeof(float),
        Rank = rank,
        Size = size,
    };

    public static CollectiveCall OfFloats(RingFrameKind kind, float* data, long elements, int rank, int size, WireFormat format) => new()
    {
        Format = format,
        Kind = kind,
        Data = (byte*)data,
        Elements = elements,
        ElementBytes = sizeof(float),
        Rank = rank,
        Size = size,
    };

    public static CollectiveCall OfBlocks(RingFrameKind kind, byte* data, int bytesEach, int rank, int size) => new()
    {
        Kind = kind,
        Data = data,
        Elements = size,
        ElementBytes = bytesEach,
        Rank = rank,
        Size = size,
    };

    public static CollectiveCall Broadcast(byte* data, long bytes, int root, int rank, int size) => new()
    {
        Kind = RingFrameKind.Broadcast,
        Root = root,
        Data = data,
        Elements = bytes,
        ElementBytes = 1,
        Rank = rank,
        Size = size,
    };

    public static CollectiveCall Shift(byte* toNext, long bytes, byte* fromPrevious, long arrivingBytes, int rank, int size) => new()
    {
        Kind = RingFrameKind.Shift,
        Data = toNext,
        Elements = bytes,
        ElementBytes = 1,
        Arriving = fromPrevious,
        ArrivingBytes = arrivingBytes,
        Rank = rank,
        Size = size,
    };
}
