namespace TrainMover.Collectives;

/// <summary>How an all-reduce combines the ranks' values, element by element.</summary>
public enum ReduceOperation
{
    /// <summary>Sum, in an order that depends on rank, size and group size only.</summary>
    Sum,

    /// <summary>Smallest value.</summary>
    Min,

    /// <summary>Largest value.</summary>
    Max,
}

/// <summary>
/// Collective operations as training code sees them. All ranks make the same calls in the same order; each call blocks until this rank's part is done.
/// Calls are made by one thread at a time.
/// </summary>
public interface ICommunicator
{
    /// <summary>This member's rank, from 0.</summary>
    int Rank { get; }

    /// <summary>Number of ranks.</summary>
    int Size { get; }

    /// <summary>Combines the buffers of all ranks in place; every rank ends with the same bits.</summary>
    /// <param name="buffer">This rank's values, then the result; of equal length on all ranks.</param>
    /// <param name="operation">How values are combined.</param>
    void AllReduce(Span<float> buffer, ReduceOperation operation);

    /// <summary>Gathers one block of each rank, in rank order.</summary>
    /// <param name="mine">This rank's block; of equal length on all ranks.</param>
    /// <param name="all">Receives the blocks; <paramref name="mine"/>'s length times <see cref="Size"/>.</param>
    void AllGather(ReadOnlySpan<byte> mine, Span<byte> all);

    /// <summary>Copies the root's buffer to all ranks.</summary>
    /// <param name="buffer">The data on the root, room for it elsewhere; of equal length on all ranks.</param>
    /// <param name="root">Rank that sends.</param>
    void Broadcast(Span<byte> buffer, int root);

    /// <summary>Returns when all ranks have entered.</summary>
    void Barrier();
}
