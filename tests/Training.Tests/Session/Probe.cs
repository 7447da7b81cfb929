using System.Collections.Concurrent;
using System.Diagnostics;
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
    private readonly ConcurrentDictionary<(string Machine, long Step, int Segment), Gate> _stops = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<ConcurrentDictionary<long, int>>> _segments = new(StringComparer.Ordinal);

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

    /// <summary>Has a machine stop in its passes: it stands before a segment, from 1, counted over all of them that others came before, until its groups have failed. The gate tells when it stands there.</summary>
    public Gate StopBefore(string machine, long step, int segment) => _stops[(machine, step, segment)] = new Gate();

    /// <summary>How many segments, the first of each forward pass left out, a machine came to in the passes of a step; the step is counted from 0 per generation, generations of the machine from 0.</summary>
    public int SegmentsOf(string machine, int generation, long step) => _segments[machine].ElementAt(generation).GetValueOrDefault(step);

    public IRankGroups Watch(string machine, IRankGroups inner)
    {
        var segments = new ConcurrentDictionary<long, int>();
        _segments.GetOrAdd(machine, _ => new()).Enqueue(segments);
        return new WatchedGroups(
            inner,
            new Probe(this, machine, inner.DataParallel, inner.DataParallel),
            new Probe(this, machine, inner.ModelParallel, inner.DataParallel),
            step => StandBefore(machine, step, segments.AddOrUpdate(step, 1, (_, before) => before + 1), inner));
    }

    private void StandBefore(string machine, long step, int segment, IRankGroups inner)
    {
        if (_stops.TryRemove((machine, step, segment), out var gate))
            gate.Pass(inner.ThrowIfFailed);
        inner.ThrowIfFailed();
    }

    private void Reach(string machine, long step, StepPoint point, ICommunicator inner)
    {
        if (_actions.TryGetValue((machine, step, point), out var acts) && acts.TryDequeue(out var act))
            act(inner);
    }

    private sealed class WatchedGroups(IRankGroups inner, Probe watched, ICommunicator modelParallel, Action<long> standBefore) : IRankGroups
    {
        public ParallelLayout Layout => inner.Layout;

        public int Rank => inner.Rank;

        public ICommunicator DataParallel => watched;

        public ICommunicator TensorParallel => inner.TensorParallel;

        public ICommunicator ModelParallel => modelParallel;

        public ICommunicator? Previous => inner.Previous;

        public ICommunicator? Next => inner.Next;

        public ICommunicator? Embedding => inner.Embedding;

        public void ThrowIfFailed() => standBefore(watched.Step);
    }

    /// <summary>Watches one group; a step begins after a commit, which is the only gathering of bytes.</summary>
    private sealed class Probe(Probes probes, string machine, ICommunicator inner, ICommunicator data) : ICommunicator
    {
        private readonly bool _isData = ReferenceEquals(inner, data);
        private long _step;
        private bool _reduces;

        public int Rank => inner.Rank;

        public int Size => inner.Size;

        /// <summary>Commits so far.</summary>
        public long Step => _step;

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

    /// <summary>Passes when the gate is opened, or with what <paramref name="orThrow"/> throws.</summary>
    public void Pass(Action orThrow)
    {
        _reached.TrySetResult();
        var stood = Stopwatch.StartNew();
        while (!_opened.Task.Wait(TimeSpan.FromMilliseconds(1)))
        {
            orThrow();
            if (stood.Elapsed > Patience)
                throw new TimeoutException($"The gate was not opened within {Patience}, and nothing failed.");
        }
    }
}
