using System.Collections.Concurrent;
using TrainMover.Collectives;

namespace TrainMover.Training.Tests.Session;

/// <summary>Where in a step a probe acts.</summary>
internal enum StepPoint
{
    BeforeReduction,
    AfterReduction,
    BeforeCommit,
    AfterCommit,
}

/// <summary>Acts on chosen machines at chosen points of chosen steps: holds them there, kills them, or lets them miss an outcome.</summary>
internal sealed class Probes
{
    private readonly ConcurrentDictionary<(string Machine, long Step, StepPoint Point), Action<ICommunicator>> _actions = new();

    /// <summary>Acts once, on the thread that trains, when <paramref name="machine"/> reaches the point; the step is counted from 0 per machine.</summary>
    public Probes At(string machine, long step, StepPoint point, Action<ICommunicator> act)
    {
        _actions[(machine, step, point)] = act;
        return this;
    }

    /// <summary>What was not reached in the generation that ended is not to act in the next one.</summary>
    public void Clear() => _actions.Clear();

    /// <summary>Holds a machine, and by that all its peers, until the gate is opened.</summary>
    public Gate HoldAt(string machine, long step)
    {
        var gate = new Gate();
        At(machine, step, StepPoint.BeforeReduction, _ => gate.Pass());
        return gate;
    }

    public IRankGroups Watch(string machine, IRankGroups inner) => new WatchedGroups(inner, new Probe(this, machine, inner.DataParallel));

    private void Reach(string machine, long step, StepPoint point, ICommunicator inner)
    {
        if (_actions.TryRemove((machine, step, point), out var act))
            act(inner);
    }

    private sealed class WatchedGroups(IRankGroups inner, ICommunicator watched) : IRankGroups
    {
        public ParallelLayout Layout => inner.Layout;

        public int Rank => inner.Rank;

        public ICommunicator DataParallel => watched;

        public ICommunicator TensorParallel => inner.TensorParallel;

        public ICommunicator ModelParallel => inner.ModelParallel;

        public ICommunicator? Previous => inner.Previous;

        public ICommunicator? Next => inner.Next;

        public ICommunicator? Embedding => inner.Embedding;
    }

    private sealed class Probe(Probes probes, string machine, ICommunicator inner) : ICommunicator
    {
        private long _step = -1;

        public int Rank => inner.Rank;

        public int Size => inner.Size;

        public void AllReduce(Span<float> buffer, ReduceOperation operation)
        {
            probes.Reach(machine, ++_step, StepPoint.BeforeReduction, inner);
            inner.AllReduce(buffer, operation);
            probes.Reach(machine, _step, StepPoint.AfterReduction, inner);
        }

        public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all)
        {
            probes.Reach(machine, _step, StepPoint.BeforeCommit, inner);
            inner.AllGather(mine, all);
            probes.Reach(machine, _step, StepPoint.AfterCommit, inner);
        }

        public void Broadcast(Span<byte> buffer, int root) => inner.Broadcast(buffer, root);

        public void ReduceScatter(Span<float> buffer) => inner.ReduceScatter(buffer);

        public void AllGather(Span<float> buffer) => inner.AllGather(buffer);

        public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious) => inner.Shift(toNext, fromPrevious);

        public void Barrier() => inner.Barrier();
    }
}

/// <summary>Closed until opened; tells when somebody stands before it.</summary>
internal sealed class Gate
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task ReachedAsync() => await _reached.Task.WaitAsync(Patience);

    public void Open() => _opened.TrySetResult();

    public void Pass()
    {
        _reached.TrySetResult();
        if (!_opened.Task.Wait(Patience))
            throw new TimeoutException($"The gate was not opened within {Patience}.");
    }
}
