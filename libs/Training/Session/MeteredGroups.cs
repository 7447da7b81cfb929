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
            var entered = ComputeClock.Enter();
            group.AllReduce(buffer, operation);
            ComputeClock.Leave(entered);
        }

        public void AllReduce(Span<float> buffer, ReduceOperation operation, WireFormat format)
        {
            var entered = ComputeClock.Enter();
            group.AllReduce(buffer, operation, format);
            ComputeClock.Leave(entered);
        }

        public void ReduceScatter(Span<float> buffer)
        {
            var entered = ComputeClock.Enter();
            group.ReduceScatter(buffer);
            ComputeClock.Leave(entered);
        }

        public void ReduceScatter(Span<float> buffer, WireFormat format)
        {
            var entered = ComputeClock.Enter();
            group.ReduceScatter(buffer, format);
            ComputeClock.Leave(entered);
        }

        public void AllGather(Span<float> buffer)
        {
            var entered = ComputeClock.Enter();
            group.AllGather(buffer);
            ComputeClock.Leave(entered);
        }

        public void AllGather(Span<float> buffer, WireFormat format)
        {
            var entered = ComputeClock.Enter();
            group.AllGather(buffer, format);
            ComputeClock.Leave(entered);
        }

        public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all)
        {
            var entered = ComputeClock.Enter();
            group.AllGather(mine, all);
            ComputeClock.Leave(entered);
        }

        public void Broadcast(Span<byte> buffer, int root)
        {
            var entered = ComputeClock.Enter();
            group.Broadcast(buffer, root);
            ComputeClock.Leave(entered);
        }

        public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious)
        {
            var entered = ComputeClock.Enter();
            group.Shift(toNext, fromPrevious);
            ComputeClock.Leave(entered);
        }

        public void Barrier()
        {
            var entered = ComputeClock.Enter();
            group.Barrier();
            ComputeClock.Leave(entered);
        }

        public Range PartOf(int length, int rank) => group.PartOf(length, rank);
    }
}
