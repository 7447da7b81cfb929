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

    /// <summary>All ranks of the job have entered the commit, and this one has its outcome.</summary>
    AfterJobCommit,

    /// <summary>The step is applied, and the parts that other ranks updated are about to be gathered.</summary>
    BeforeParameters,
}

/// <summary>Acts on chosen machines at chosen points of chosen steps: holds them there, kills them, or lets them miss an outcome.</summary>
internal sealed class Probes
{
    private readonly ConcurrentDictionary<(string Machine, long Step, StepPoint Point), ConcurrentQueue<Action<ICommunicator>>> _actions = new();

    /// <summary>
    /// Acts once, on the thread that trains, when a rank of <paramref name="machine"/> reaches the point, with its data-parallel group; the step is counted from 0 per machine and generation. What
    /// is said twice acts for two ranks.
    /// </summary>
    public Probes At(string machine, long step, StepPoint point, Action<ICommunicator> act)
    {
        _actions.GetOrAdd((machine, step, point), _ => new()).Enqueue(act);
        return this;
    }

    /// <summary>What was not reached in the generation that ended is not to act in the next one.</summary>
    public void Clear() => _actions.Clear();

    /// <summary>The process of a machine is gone at a point: sockets are reset, and its thread computes nothing more.</summary>
    public Probes DieAt(Cluster.Node node, long step, StepPoint point, Action? before = null) => At(node.Machine, step, point, _ =>
    {
        before?.Invoke();
        node.Die();
        throw new CollectiveException(new GroupFailure(FailureKind.Ordered, null, null, "This machine is dead.", 0));
    });

    /// <summary>Holds a machine, and by that all its peers, until the gate is opened.</summary>
    public Gate HoldAt(string machine, long step)
    {
        var gate = new Gate();
        At(machine, step, StepPoint.BeforeReduction, _ => gate.Pass());
        return gate;
    }

    public IRankGroups Watch(string machine, IRankGroups inner) =>
        new WatchedGroups(
            inner, new Probe(this, machine, inner.DataParallel, inner.DataParallel), new Probe(this, machine, inner.ModelParallel, inner.DataParallel));

    private void Reach(string machine, long step, StepPoint point, ICommunicator inner)
    {
        if (_actions.TryGetValue((machine, step, point), out var acts) && acts.TryDequeue(out var act))
            act(inner);
    }

    private sealed class WatchedGroups(IRankGroups inner, ICommunicator watched, ICommunicator modelParallel) : IRankGroups
    {
        public ParallelLayout Layout => inner.Layout;

        public int Rank => inner.Rank;

        public ICommunicator DataParallel => watched;

        public ICommunicator TensorParallel => inner.TensorParallel;

        public ICommunicator ModelParallel => modelParallel;

        public ICommunicator? Previous => inner.Previous;

        public ICommunicator? Next => inner.Next;

        public ICommunicator? Embedding => inner.Embedding;

        public void ThrowIfFailed() => inner.ThrowIfFailed();
    }

    /// <summary>Watches one group; a step begins after a commit, which is the only gathering of bytes.</summary>
    private sealed class Probe(Probes probes, string machine, ICommunicator inner, ICommunicator data) : ICommunicator
    {
        private readonly bool _isData = ReferenceEquals(inner, data);
        private long _step;
        private bool _reduces;

        public int Rank => inner.Rank;

        public int Size => inner.Size;

        public void AllReduce(Span<float> buffer, ReduceOperation operation)
        {
            var first = BeginReduction();
            inner.AllReduce(buffer, operation);
            EndReduction(first);
        }

        public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all)
        {
            if (_isData)
                probes.Reach(machine, _step, StepPoint.BeforeCommit, data);
            inner.AllGather(mine, all);
            _reduces = false;
            probes.Reach(machine, _step++, _isData ? StepPoint.AfterCommit : StepPoint.AfterJobCommit, data);
        }

        public void Broadcast(Span<byte> buffer, int root) => inner.Broadcast(buffer, root);

        public void ReduceScatter(Span<float> buffer)
        {
            var first = BeginReduction();
            inner.ReduceScatter(buffer);
            EndReduction(first);
        }

        public void AllGather(Span<float> buffer)
        {
            if (_isData)
                probes.Reach(machine, _step - 1, StepPoint.BeforeParameters, data);
            inner.AllGather(buffer);
        }

        public void Shift(ReadOnlySpan<byte> toNext, Span<byte> fromPrevious) => inner.Shift(toNext, fromPrevious);

        public void Barrier() => inner.Barrier();

        private bool BeginReduction()
        {
            if (!_isData || _reduces)
                return false;
            _reduces = true;
            probes.Reach(machine, _step, StepPoint.BeforeReduction, data);
            return true;
        }

        private void EndReduction(bool first)
        {
            if (first)
                probes.Reach(machine, _step, StepPoint.AfterReduction, data);
        }
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
