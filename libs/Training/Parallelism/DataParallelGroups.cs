using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>The groups of a rank in a layout of data parallelism alone: one group, and itself.</summary>
/// <param name="group">The data-parallel group, which is the whole job.</param>
public sealed class DataParallelGroups(ICommunicator group) : IRankGroups
{
    /// <inheritdoc/>
    public ParallelLayout Layout { get; } = new(group.Size);

    /// <inheritdoc/>
    public int Rank => group.Rank;

    /// <inheritdoc/>
    public ICommunicator DataParallel => group;

    /// <inheritdoc/>
    public ICommunicator TensorParallel => SoloCommunicator.Instance;

    /// <inheritdoc/>
    public ICommunicator ModelParallel => SoloCommunicator.Instance;

    /// <inheritdoc/>
    public ICommunicator? Previous => null;

    /// <inheritdoc/>
    public ICommunicator? Next => null;

    /// <inheritdoc/>
    public ICommunicator? Embedding => null;
}

/// <summary>A group of one rank.</summary>
public sealed class SoloCommunicator : ICommunicator
{
    private SoloCommunicator()
    {
    }

    /// <summary>It has no state, so one serves all.</summary>
    public static SoloCommunicator Instance { get; } = new();

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public void AllReduce(Span<float> buffer, ReduceOperation operation)
    {
    }

    /// <inheritdoc/>
    public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all) => mine.CopyTo(all);

    /// <inheritdoc/>
    public void Broadcast(Span<byte> buffer, int root)
    {
    }

    /// <inheritdoc/>
    public void ReduceScatter(Span<float> buffer)
    {
    }

    /// <inheritdoc/>
    public void AllGather(Span<float> buffer)
    {
    }

    /// <inheritdoc/>
    public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious) => toNext.CopyTo(fromPrevious);

    /// <inheritdoc/>
    public void Barrier()
    {
    }
}
