using System.Diagnostics;

namespace TrainMover.Collectives;

/// <summary>
/// All data connections of a rank in one group, and the loop that moves a call over all of them at once, on the calling thread, without allocating. One call at a time.
/// </summary>
internal sealed unsafe class Channels : IDisposable
{
    // Below this, a call goes over the first channel alone: more connections would cost more than they carry.
    private const long LeastPerChannel = 128 * 1024;

    private const long LeastPerTree = 8 * 1024;

    private readonly int _generation;
    private readonly TimeSpan _deadline;
    private readonly Ring[] _rings;
    private readonly Tree[] _trees;
    private readonly Route[] _routes;
    private readonly Waker _waker = new();
    private readonly bool _hasSockets;
    private volatile bool _interrupted;
    private ulong _sequence;
    private int _active;
    private bool _disposed;

    /// <param name="generation">Generation that frames belong to.</param>
    /// <param name="channels">The connections of each channel; odd ones run to lower ranks.</param>
    /// <param name="trees">The trees, if the group has them.</param>
    /// <param name="deadline">Longest time of a call.</param>
    public Channels(int generation, IEnumerable<(OutboundEdge? Outbound, InboundEdge? Inbound)> channels, IEnumerable<Tree> trees, TimeSpan deadline)
    {
        _generation = generation;
        _deadline = deadline;
        _rings = [.. channels.Select(channel => new Ring(channel.Outbound, channel.Inbound))];
        _trees = [.. trees];
        _routes = new Route[Math.Max(_rings.Length, _trees.Length)];
        foreach (var edge in Edges)
        {
            edge.Attach(_waker);
            _hasSockets |= edge.Descriptor >= 0;
        }
    }

    public IReadOnlyList<Ring> Rings => _rings;

    public IReadOnlyList<Tree> Trees => _trees;

    private IEnumerable<DataEdge> Edges => _rings.Concat<Route>(_trees).SelectMany(route => route.Edges);

    /// <summary>Ends the call in progress and all later ones; from any thread.</summary>
    public void Interrupt()
    {
        _interrupted = true;
        _waker.Interrupt();
    }

    /// <summary>Forgets the connections: the next generation has them.</summary>
    public void Release()
    {
        foreach (var route in _rings.Concat<Route>(_trees))
            route.Release();
    }

    /// <summary>Resets all connections, as the death of this process would.</summary>
    public void Reset()
    {
        foreach (var edge in Edges)
            edge.Reset();
    }

    /// <summary>Moves one call's bytes.</summary>
    /// <exception cref="RingFault">A peer is gone, late, or in another call.</exception>
    /// <exception cref="OperationCanceledException">Interrupted.</exception>
    public void Run(in CollectiveCall call)
    {
        _sequence++;
        var frame = new RingFrame { Magic = RingFrame.ExpectedMagic, Generation = _generation, Sequence = _sequence, Kind = call.Kind, Root = call.Root };
        var completed = false;
        try
        {
            if (_trees.Length > 0 && call.SuitsTrees)
                BeginOnTrees(call, frame);
            else
                BeginOnRings(call, frame);
            Complete(call.Size);
            completed = true;
        }
        finally
        {
            // The caller's memory is his own again, also after a failure.
            if (!completed)
            {
                foreach (var edge in Edges)
                    (edge as OutboundEdge)?.Revoke();
            }
        }
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        foreach (var route in _rings.Concat<Route>(_trees))
            route.Dispose();
        _waker.Dispose();
    }

    private void BeginOnRings(in CollectiveCall call, in RingFrame frame)
    {
        _active = call.Kind == RingFrameKind.Shift || call.Bytes < LeastPerChannel * _rings.Length ? 1 : _rings.Length;
        for (var channel = 0; channel < _active; channel++)
        {
            _rings[channel].Begin(RingSchedule.Of(call, channel, _active, channel % 2 == 1), frame);
            _routes[channel] = _rings[channel];
        }
    }

    private void BeginOnTrees(in CollectiveCall call, in RingFrame frame)
    {
        // So few bytes that one message per hop is all there is to save take one tree, others both.
        _active = call.Bytes < LeastPerTree * _trees.Length ? 1 : _trees.Length;
        for (var tree = 0; tree < _active; tree++)
        {
            var (first, past) = (call.Elements * tree / _active, call.Elements * (tree + 1) / _active);
            _trees[tree].Begin(call, frame, call.Data + (first * call.ElementBytes), (past - first) * call.ElementBytes);
            _routes[tree] = _trees[tree];
        }
    }

    private void Complete(int ranks)
    {
        var started = Stopwatch.GetTimestamp();
        var patience = new Patience(_hasSockets, ranks);
        while (true)
        {
            if (_interrupted)
                throw new OperationCanceledException();
            var moved = Advance(out var done);
            if (done)
                return;
            if (moved)
            {
                patience.Renew();
                continue;
            }

            if (patience.IsLeft)
            {
                patience.Spend();
                continue;
            }

            _waker.Announce();
            if (Advance(out done) || done || _interrupted)
                _waker.Awake();
            else
                Sleep(started);
        }
    }

    private bool Advance(out bool done)
    {
        var moved = false;
        done = true;
        for (var channel = 0; channel < _active; channel++)
        {
            moved |= _routes[channel].Advance();
            done &= _routes[channel].IsDone;
        }

        return moved;
    }

    private void Sleep(long started)
    {
        var left = _deadline - Stopwatch.GetElapsedTime(started);
        if (left <= TimeSpan.Zero)
        {
            var late = Awaited;
            throw new RingFault(FailureKind.DeadlineExceeded, late, $"The call waited {_deadline.TotalSeconds:0.###} s for {late.Machine}.");
        }

        var descriptors = stackalloc PollDescriptor[1 + (Route.MostDescriptors * _active)];
        descriptors[0] = new PollDescriptor { Descriptor = _waker.Descriptor, Events = Libc.PollIn };
        var count = 1;
        for (var channel = 0; channel < _active; channel++)
            count += _routes[channel].Describe(descriptors + count);
        _ = Libc.Poll(descriptors, (nuint)count, (int)Math.Min(Math.Ceiling(left.TotalMilliseconds), int.MaxValue));
        _waker.Awake();
        count = 1;
        for (var channel = 0; channel < _active; channel++)
            count += _routes[channel].Check(descriptors + count);
    }

    private Member Awaited
    {
        get
        {
            for (var channel = 0; channel < _active; channel++)
            {
                if (!_routes[channel].IsDone)
                    return _routes[channel].Awaited;
            }

            return _routes[0].Awaited;
        }
    }
}
