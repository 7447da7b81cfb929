using System.Diagnostics;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>The groups of a rank; what a thread spends in their calls is no computation of its own, and anybody may ask since when one of them is under way.</summary>
/// <param name="groups">The groups themselves.</param>
/// <param name="cores">Told whenever a pass asks whether they failed: between two of its segments, often enough to know on which cores it computes.</param>
internal sealed class MeteredGroups(IRankGroups groups, CoreTimes cores) : IRankGroups
{
    /// <summary>Since when the rank is in the call that it has been in for longest; null while it is in none. From any thread.</summary>
    public long? InCallSince
    {
        get
        {
            long? since = null;
            foreach (var group in (ReadOnlySpan<ICommunicator?>)[DataParallel, TensorParallel, ModelParallel, Previous, Next, Embedding])
            {
                if (group is Metered { EnteredAt: > 0 and var entered } && !(entered >= since))
                    since = entered;
            }

            return since;
        }
    }

    public ParallelLayout Layout => groups.Layout;

    public int Rank => groups.Rank;

    public ICommunicator DataParallel { get; } = new Metered(groups.DataParallel);

    public ICommunicator TensorParallel { get; } = new Metered(groups.TensorParallel);

    public ICommunicator ModelParallel { get; } = new Metered(groups.ModelParallel);

    public ICommunicator? Previous { get; } = Meter(groups.Previous);

    public ICommunicator? Next { get; } = Meter(groups.Next);

    public ICommunicator? Embedding { get; } = Meter(groups.Embedding);

    public void ThrowIfFailed()
    {
        cores.Mark();
        groups.ThrowIfFailed();
    }

    private static Metered? Meter(ICommunicator? group) => group is null ? null : new Metered(group);

    private sealed class Metered(ICommunicator group) : ICommunicator
    {
        private long _enteredAt;

        /// <summary>When the call under way began; 0 between calls.</summary>
        public long EnteredAt => Volatile.Read(ref _enteredAt);

        public int Rank => group.Rank;

        public int Size => group.Size;

        public void AllReduce(Span<float> buffer, ReduceOperation operation)
        {
            using var call = Enter();
            group.AllReduce(buffer, operation);
        }

        public void AllReduce(Span<float> buffer, ReduceOperation operation, WireFormat format)
        {
            using var call = Enter();
            group.AllReduce(buffer, operation, format);
        }

        public void ReduceScatter(Span<float> buffer)
        {
            using var call = Enter();
            group.ReduceScatter(buffer);
        }

        public void ReduceScatter(Span<float> buffer, WireFormat format)
        {
            using var call = Enter();
            group.ReduceScatter(buffer, format);
        }

        public void AllGather(Span<float> buffer)
        {
            using var call = Enter();
            group.AllGather(buffer);
        }

        public void AllGather(Span<float> buffer, WireFormat format)
        {
            using var call = Enter();
            group.AllGather(buffer, format);
        }

        public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all)
        {
            using var call = Enter();
            group.AllGather(mine, all);
        }

        public void Broadcast(Span<byte> buffer, int root)
        {
            using var call = Enter();
            group.Broadcast(buffer, root);
        }

        public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious)
        {
            using var call = Enter();
            group.Shift(toNext, fromPrevious);
        }

        public void Barrier()
        {
            using var call = Enter();
            group.Barrier();
        }

        public Range PartOf(int length, int rank) => group.PartOf(length, rank);

        private Call Enter()
        {
            Volatile.Write(ref _enteredAt, Stopwatch.GetTimestamp());
            return new Call(this, ComputeClock.InCollective());
        }

        private readonly ref struct Call
        {
            private readonly Metered _metered;
            private readonly ComputeClock.Call _metering;

            public Call(Metered metered, ComputeClock.Call metering)
            {
                _metered = metered;
                _metering = metering;
            }

            public void Dispose()
            {
                _metering.Dispose();
                Volatile.Write(ref _metered._enteredAt, 0);
            }
        }
    }
}
