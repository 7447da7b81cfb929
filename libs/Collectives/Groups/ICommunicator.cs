namespace TrainMover.Collectives;

/// <summary>How <see cref="ICommunicator.AllReduce(Span{float}, ReduceOperation)"/> combines elements.</summary>
public enum ReduceOperation
{
    /// <summary>Float32 sum, in an order given by rank, size of the group and length of the buffer only.</summary>
    Sum,

    /// <summary>The smaller element; NaN wins.</summary>
    Min,

    /// <summary>The larger element; NaN wins.</summary>
    Max,
}

/// <summary>
/// What training code sees of a communication group. All ranks make the same calls in the same order with the same lengths; each call blocks the
/// calling thread until its result is there. A call that fails leaves nothing of use in a buffer that was to be combined; what a rank gave to be gathered, broadcast or shifted is still there.
/// </summary>
public interface ICommunicator
{
    /// <summary>This rank, from 0.</summary>
    int Rank { get; }

    /// <summary>Number of ranks.</summary>
    int Size { get; }

    /// <summary>Combines the buffers of all ranks element by element, in place; every rank ends with the same bits.</summary>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void AllReduce(Span<float> buffer, ReduceOperation operation);

    /// <summary>As <see cref="AllReduce(Span{float}, ReduceOperation)"/>, with a choice of what travels.</summary>
    /// <exception cref="NotSupportedException">This communicator moves float32 only.</exception>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void AllReduce(Span<float> buffer, ReduceOperation operation, WireFormat format)
    {
        RequireFull(format);
        AllReduce(buffer, operation);
    }

    /// <summary>As <see cref="ReduceScatter(Span{float})"/>, with a choice of what travels; the part of this rank holds the float32 sum of what arrived.</summary>
    /// <exception cref="NotSupportedException">This communicator moves float32 only.</exception>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void ReduceScatter(Span<float> buffer, WireFormat format)
    {
        RequireFull(format);
        ReduceScatter(buffer);
    }

    /// <summary>As <see cref="AllGather(Span{float})"/>, with a choice of what travels; what does not survive the format is rounded on every rank, its owner too.</summary>
    /// <exception cref="NotSupportedException">This communicator moves float32 only.</exception>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void AllGather(Span<float> buffer, WireFormat format)
    {
        RequireFull(format);
        AllGather(buffer);
    }

    /// <summary>Collects the bytes of all ranks in rank order.</summary>
    /// <param name="mine">This rank's bytes; equally many on every rank.</param>
    /// <param name="all">Takes <paramref name="mine"/> of every rank; its length is that of <paramref name="mine"/> times <see cref="Size"/>.</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void AllGather(ReadOnlySpan<byte> mine, Span<byte> all);

    /// <summary>Gives every rank the bytes of one.</summary>
    /// <param name="buffer">Read on the root, overwritten elsewhere.</param>
    /// <param name="root">Rank that has the bytes.</param>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void Broadcast(Span<byte> buffer, int root);

    /// <summary>Sums the buffers of all ranks; afterwards <see cref="PartOf"/> of this rank holds the sum, and the rest of the buffer nothing of use.</summary>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void ReduceScatter(Span<float> buffer);

    /// <summary>Gives every rank <see cref="PartOf"/> of every other, in place: the second half of what <see cref="ReduceScatter(Span{float})"/> begins.</summary>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void AllGather(Span<float> buffer);

    /// <summary>
    /// Sends to the next rank of the ring and receives from the previous one, both at once; either side may be empty. What one rank sends the next one receives, with equal
    /// lengths. In a group of two this is point-to-point traffic in both directions; a group of one receives what it sent.
    /// </summary>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious);

    /// <summary>Returns once every rank has called it.</summary>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void Barrier();

    /// <summary>Elements of a buffer that belong to one rank in <see cref="ReduceScatter(Span{float})"/> and <see cref="AllGather(Span{float})"/>: from element length * rank / size on.</summary>
    /// <param name="length">Elements of the buffer.</param>
    /// <param name="rank">Rank of the group.</param>
    Range PartOf(int length, int rank) => (int)((long)length * rank / Size)..(int)((long)length * (rank + 1) / Size);

    private static void RequireFull(WireFormat format)
    {
        if (format != WireFormat.Full)
            throw new NotSupportedException($"This communicator moves float32 only, not {format}.");
    }
}
