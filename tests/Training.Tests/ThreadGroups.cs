using System.Diagnostics;
using System.Runtime.InteropServices;
using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>Ranks as threads of this process: all groups of a layout. A rank that fails ends them all.</summary>
internal sealed class ThreadGroups : IRankGroups
{
    private readonly Dictionary<GroupId, ThreadGroup> _groups;
    private readonly List<ThreadGroup> _all;

    private ThreadGroups(ParallelLayout layout, int rank, Dictionary<GroupId, ThreadGroup> groups, List<ThreadGroup> all) =>
        (Layout, Rank, _groups, _all) = (layout, rank, groups, all);

    public ParallelLayout Layout { get; }

    public int Rank { get; }

    public RankPosition Position => Layout.PositionOf(Rank);

    public ICommunicator DataParallel => Of(GroupKind.DataParallel) ?? (ICommunicator)SoloCommunicator.Instance;

    public ICommunicator TensorParallel => Of(GroupKind.TensorParallel) ?? (ICommunicator)SoloCommunicator.Instance;

    public ICommunicator ModelParallel => Of(GroupKind.ModelParallel) ?? (ICommunicator)SoloCommunicator.Instance;

    public ICommunicator? Previous => _groups.FirstOrDefault(entry => entry.Key.Kind == GroupKind.Stages && entry.Key.First != Rank).Value;

    public ICommunicator? Next => _groups.FirstOrDefault(entry => entry.Key.Kind == GroupKind.Stages && entry.Key.First == Rank).Value;

    public ICommunicator? Embedding => Of(GroupKind.Embedding);

    public static ThreadGroups Alone { get; } = Of(new ParallelLayout(1))[0];

    public static ThreadGroups[] Of(ParallelLayout layout)
    {
        var ranks = Enumerable.Range(0, layout.Size).Select(_ => new Dictionary<GroupId, ThreadGroup>()).ToArray();
        var all = new List<ThreadGroup>();
        foreach (var id in Enumerable.Range(0, layout.Size).SelectMany(layout.GroupsOf).Distinct())
        {
            var members = layout.RanksOf(id);
            var group = ThreadGroup.Of(members.Count);
            all.Add(group[0]);
            for (var member = 0; member < members.Count; member++)
                ranks[members[member]].Add(id, group[member]);
        }

        return [.. ranks.Select((groups, rank) => new ThreadGroups(layout, rank, groups, all))];
    }

    /// <summary>Ends all groups of all ranks.</summary>
    public void Fail(string reason)
    {
        foreach (var group in _all)
            group.Fail(reason);
    }

    private ThreadGroup? Of(GroupKind kind) => _groups.FirstOrDefault(entry => entry.Key.Kind == kind).Value;
}

/// <summary>One group of ranks that are threads of this process; reduces in rank order.</summary>
internal sealed class ThreadGroup : ICommunicator
{
    private readonly Rendezvous _rendezvous;

    private ThreadGroup(int rank, Rendezvous rendezvous) => (Rank, _rendezvous) = (rank, rendezvous);

    public int Rank { get; }

    public int Size => _rendezvous.Sent.Length;

    /// <summary>Called before each call; may throw in place of it.</summary>
    public Action? BeforeCall { get; set; }

    public static ThreadGroup[] Of(int size)
    {
        var rendezvous = new Rendezvous(size);
        return [.. Enumerable.Range(0, size).Select(rank => new ThreadGroup(rank, rendezvous))];
    }

    public void Fail(string reason) => _rendezvous.Fail(reason);

    public void AllReduce(Span<float> buffer, ReduceOperation operation)
    {
        Exchange(MemoryMarshal.AsBytes(buffer));
        for (var rank = 0; rank < Size; rank++)
        {
            var values = MemoryMarshal.Cast<byte, float>(_rendezvous.Sent[rank]);
            values.Length.ShouldBe(buffer.Length);
            for (var i = 0; i < buffer.Length; i++)
            {
                buffer[i] = rank == 0 ? values[i] : operation switch
                {
                    ReduceOperation.Sum => buffer[i] + values[i],
                    ReduceOperation.Min => MathF.Min(buffer[i], values[i]),
                    _ => MathF.Max(buffer[i], values[i]),
                };
            }
        }

        _rendezvous.Meet();
    }

    public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all)
    {
        Exchange(mine);
        for (var rank = 0; rank < Size; rank++)
            _rendezvous.Sent[rank].CopyTo(all[(rank * mine.Length)..]);
        _rendezvous.Meet();
    }

    public void Broadcast(Span<byte> buffer, int root)
    {
        Exchange(buffer);
        _rendezvous.Sent[root].CopyTo(buffer);
        _rendezvous.Meet();
    }

    public void Barrier()
    {
        BeforeCall?.Invoke();
        _rendezvous.Meet();
    }

    public void ReduceScatter(Span<float> buffer)
    {
        var others = buffer.ToArray();
        AllReduce(buffer, ReduceOperation.Sum);
        // What the contract leaves undefined is of no use to anybody.
        var part = ((ICommunicator)this).PartOf(buffer.Length, Rank);
        buffer[part].CopyTo(others.AsSpan()[part]);
        others.CopyTo(buffer);
    }

    public void AllGather(Span<float> buffer)
    {
        Exchange(MemoryMarshal.AsBytes(buffer));
        for (var rank = 0; rank < Size; rank++)
        {
            var part = ((ICommunicator)this).PartOf(buffer.Length, rank);
            MemoryMarshal.Cast<byte, float>(_rendezvous.Sent[rank])[part].CopyTo(buffer[part]);
        }

        _rendezvous.Meet();
    }

    public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious)
    {
        Exchange(toNext);
        var received = _rendezvous.Sent[(Rank + Size - 1) % Size]!;
        received.Length.ShouldBe(fromPrevious.Length);
        received.CopyTo(fromPrevious);
        _rendezvous.Meet();
    }

    private void Exchange(ReadOnlySpan<byte> bytes)
    {
        BeforeCall?.Invoke();
        _rendezvous.Sent[Rank] = bytes.ToArray();
        _rendezvous.Meet();
    }

    private sealed class Rendezvous(int size)
    {
        private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
        private readonly object _gate = new();
        private string? _failure;
        private int _arrived;
        private int _round;

        public byte[]?[] Sent { get; } = new byte[]?[size];

        public void Meet()
        {
            lock (_gate)
            {
                var round = _round;
                if (_failure is null && ++_arrived == size)
                {
                    _arrived = 0;
                    _round++;
                    Monitor.PulseAll(_gate);
                    return;
                }

                while (_failure is null && round == _round)
                {
                    if (!Monitor.Wait(_gate, Deadline))
                        _failure = $"A rank waited {Deadline} for the others.";
                }

                if (round == _round)
                    throw new CollectiveException(new GroupFailure(FailureKind.Ordered, null, null, _failure!, Stopwatch.GetTimestamp()));
            }
        }

        public void Fail(string reason)
        {
            lock (_gate)
            {
                _failure ??= reason;
                Monitor.PulseAll(_gate);
            }
        }
    }
}
