namespace TrainMover.Collectives;

/// <summary>
/// Which part of a buffer moves when. A buffer of <c>chunks</c> parts travels in steps; what goes out in step s + 1 is what came in in step s, byte by
/// byte, so a step begins before the one before it has ended. Depends on rank and size only.
/// </summary>
internal unsafe struct RingSchedule
{
    public RingFrameKind Kind;
    public int Root;
    public byte* Data;

    /// <summary>Elements of the whole buffer, and bytes of each.</summary>
    public long Elements;
    public int ElementBytes;

    /// <summary>Parts of the buffer: the size of the group, or 1 when it travels as a whole.</summary>
    public int Chunks;
    public int Rank;

    /// <summary>Chunk that goes out first, counted from the one of this rank.</summary>
    public int Shift;

    /// <summary>Incoming steps below this one are reduced into the buffer; the others replace it.</summary>
    public int ReducedSteps;
    public int FirstOutStep;
    public int OutSteps;
    public int InSteps;

    public readonly int OutChunk(int step) => Modulo(Rank + Shift - step);

    public readonly int InChunk(int step) => Modulo(Rank + Shift - step - 1);

    public readonly long Start(int chunk) => Elements * chunk / Chunks * ElementBytes;

    public readonly long Length(int chunk) => Start(chunk + 1) - Start(chunk);

    public readonly long OutBytes()
    {
        var bytes = 0L;
        for (var step = FirstOutStep; step < OutSteps; step++)
            bytes += Length(OutChunk(step));
        return bytes;
    }

    public readonly long InBytes()
    {
        var bytes = 0L;
        for (var step = 0; step < InSteps; step++)
            bytes += Length(InChunk(step));
        return bytes;
    }

    public static RingSchedule AllReduce(float* data, long elements, int rank, int size, ReduceOperation operation) => new()
    {
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
        Chunks = size,
        Rank = rank,
        ReducedSteps = size - 1,
        OutSteps = (2 * size) - 2,
        InSteps = (2 * size) - 2,
    };

    public static RingSchedule ReduceScatter(float* data, long elements, int rank, int size) => new()
    {
        Kind = RingFrameKind.ReduceScatter,
        Data = (byte*)data,
        Elements = elements,
        ElementBytes = sizeof(float),
        Chunks = size,
        Rank = rank,
        Shift = -1,
        ReducedSteps = size - 1,
        OutSteps = size - 1,
        InSteps = size - 1,
    };

    public static RingSchedule GatherParts(float* data, long elements, int rank, int size) => new()
    {
        Kind = RingFrameKind.AllGather,
        Data = (byte*)data,
        Elements = elements,
        ElementBytes = sizeof(float),
        Chunks = size,
        Rank = rank,
        OutSteps = size - 1,
        InSteps = size - 1,
    };

    public static RingSchedule AllGather(RingFrameKind kind, byte* data, long bytesEach, int rank, int size) => new()
    {
        Kind = kind,
        Data = data,
        Elements = size,
        ElementBytes = checked((int)bytesEach),
        Chunks = size,
        Rank = rank,
        OutSteps = size - 1,
        InSteps = size - 1,
    };

    public static RingSchedule Broadcast(byte* data, long bytes, int root, int rank, int size)
    {
        var fromRoot = (rank - root + size) % size;
        return new RingSchedule
        {
            Kind = RingFrameKind.Broadcast,
            Root = root,
            Data = data,
            Elements = bytes,
            ElementBytes = 1,
            Chunks = 1,
            Rank = rank,
            FirstOutStep = fromRoot == 0 ? 0 : 1,
            OutSteps = fromRoot == size - 1 ? 0 : fromRoot == 0 ? 1 : 2,
            InSteps = fromRoot == 0 ? 0 : 1,
        };
    }

    private readonly int Modulo(int chunk)
    {
        var remainder = chunk % Chunks;
        return remainder < 0 ? remainder + Chunks : remainder;
    }
}
