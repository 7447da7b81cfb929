using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>The groups of a rank; what a thread spends in their calls is no computation of its own.</summary>
internal sealed class MeteredGroups(IRankGroups groups) : IRankGroups
{
    public ParallelLayout Layout => groups.Layout;

    public int Rank => groups.Rank;

    public ICommunicator DataParallel { get; } = new Metered(groups.DataParallel);

    public ICommunicator TensorParallel { get; } = new Metered(groups.TensorParallel);

    public ICommunicator ModelParallel { get; } = new Metered(groups.ModelParallel);

    public ICommunicator? Previous { get; } = Meter(groups.Previous);

    public ICommunicator? Next { get; } = Meter(groups.Next);

    public ICommunicator? Embedding { get; } = Meter(groups.Embedding);

    public void ThrowIfFailed() => groups.ThrowIfFailed();

    private static Metered? Meter(ICommunicator? group) => group is null ? null : new Metered(group);

    private sealed class Metered(ICommunicator group) : ICommunicator
    {
        public int Rank => group.Rank;

        public int Size => group.Size;

        public void AllReduce(Span<float> buffer, ReduceOperation operation)
        {
            using var call = ComputeClock.InCollective();
            group.AllReduce(buffer, operation);
        }

        public void AllReduce(Span<float> buffer, ReduceOperation operation, WireFormat format)
        {
            using var call = ComputeClock.InCollective();
            group.AllReduce(buffer, operation, format);
        }

        public void ReduceScatter(Span<float> buffer)
        {
            using var call = ComputeClock.InCollective();
            group.ReduceScatter(buffer);
        }

        public void ReduceScatter(Span<float> buffer, WireFormat format)
        {
            using var call = ComputeClock.InCollective();
            group.ReduceScatter(buffer, format);
        }

        public void AllGather(Span<float> buffer)
        {
            using var call = ComputeClock.InCollective();
            group.AllGather(buffer);
        }

        public void AllGather(Span<float> buffer, WireFormat format)
        {
            using var call = ComputeClock.InCollective();
            group.AllGather(buffer, format);
        }

        public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all)
        {
            using var call = ComputeClock.InCollective();
            group.AllGather(mine, all);
        }

        public void Broadcast(Span<byte> buffer, int root)
        {
            using var call = ComputeClock.InCollective();
            group.Broadcast(buffer, root);
        }

        public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious)
        {
            using var call = ComputeClock.InCollective();
            group.Shift(toNext, fromPrevious);
        }

        public void Barrier()
        {
            using var call = ComputeClock.InCollective();
            group.Barrier();
        }

        public Range PartOf(int length, int rank) => group.PartOf(length, rank);
    }
}
