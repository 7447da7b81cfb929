using System.Runtime.InteropServices;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>How fast a leaver lets itself be followed.</summary>
/// <param name="StateBytesPerStep">State sent between two updates at least, in bytes; keeps training from slowing down.</param>
/// <param name="StepsForState">Steps in which all of the state is sent at most, whatever its size.</param>
/// <param name="MostHostBytes">Host memory for gradients that were not sent before they are overwritten, in bytes. Where it does not suffice the joiner cannot keep up, and following ends.</param>
internal sealed record FollowingPace(long StateBytesPerStep = 24 << 20, int StepsForState = 6, long MostHostBytes = 1L << 30);

/// <summary>
/// The leaver's side of following one rank. A run of the state that was sent once is kept up to date at the joiner by what the optimizer consumes at every later step: the summed
/// gradients, from the gradient buffer as soon as they are final, and the global norm when the commit has passed. State itself is only read between updates, when it does not
/// change. Runs go from the end of the flat buffers to the beginning, as backward finishes gradients.
/// </summary>
internal sealed unsafe class FollowedReplica : IReplicaFollower, IDisposable
{
    private const int PieceElements = 64 * 1024;
    private const int StagedElements = 3 * PieceElements;

    private readonly object _gate = new();
    private readonly Replica _replica;
    private readonly StateConnection _connection;
    private readonly FollowingPace _pace;
    private readonly Queue<Outgoing> _outgoing = new();
    private readonly TaskCompletionSource _caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _flushed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _sender;
    private readonly Thread _receiver;
    private readonly float* _piece = (float*)NativeMemory.Alloc(StagedElements, sizeof(float));
    private Exception? _failure;
    private bool _windowOpen;
    private bool _toldCaughtUp;
    private int _cursor;
    private int _checked;
    private long _budget;
    private long _steps;
    private long _endStep = -1;
    private long _hostBytes;

    /// <summary>Begins at once; the first state leaves after the next update.</summary>
    public FollowedReplica(Replica replica, StateConnection connection, FollowingPace? pace = null)
    {
        (_replica, _connection, _pace) = (replica, connection, pace ?? new FollowingPace());
        _cursor = _checked = replica.Layout.FlatLength;
        _steps = replica.Step;
        _sender = Start("followed", Send);
        _receiver = Start("followed, answers", Receive);
        replica.Follower = this;
    }

    /// <summary>Completes when the joiner holds everything, compared; faults when following ended before.</summary>
    public Task CaughtUp => _caughtUp.Task;

    /// <summary>Completes when the joiner has applied the last step of <see cref="Finish"/>.</summary>
    public Task Flushed => _flushed.Task;

    private readonly record struct Outgoing(FollowFrame Frame, nint Address, bool Owned);

    /// <summary>Ends following at a boundary, between two steps. False when the joiner is no replica: it needs a copy of the state.</summary>
    public bool Finish(long step)
    {
        lock (_gate)
        {
            if (_failure is not null || !_toldCaughtUp || _steps != step)
                return false;
            _endStep = step;
            Enqueue(new FollowFrame { Kind = FollowFrameKind.End, Step = step });
            return true;
        }
    }

    public void GradientsReduced(long step, int start, int length)
    {
        lock (_gate)
        {
            // What is followed must not grow any more in this step: these gradients are shipped once.
            _windowOpen = false;
            if (_failure is not null || start + length <= _cursor)
                return;
            for (var first = Math.Max(start, _cursor); first < start + length; first += StagedElements)
            {
                Enqueue(
                    new FollowFrame { Kind = FollowFrameKind.Gradients, Step = step, Start = first, Length = Math.Min(StagedElements, start + length - first) },
                    _replica.GradientRegion.Address + ((nint)first * sizeof(float)));
            }
        }
    }

    public void GradientsDiscarded()
    {
        lock (_gate)
        {
            for (var count = _outgoing.Count; count > 0; count--)
            {
                var waiting = _outgoing.Dequeue();
                _outgoing.Enqueue(waiting.Address == 0 || waiting.Owned ? waiting : ToHost(waiting));
            }
        }
    }

    public void Updating(long step, double norm, int replicas)
    {
        lock (_gate)
        {
            _windowOpen = false;
            if (_failure is null && _cursor < _replica.Layout.FlatLength)
                Enqueue(new FollowFrame { Kind = FollowFrameKind.Update, Step = step, Value = norm, Hash = (UInt128)replicas });
        }
    }

    public void Updated(long step)
    {
        lock (_gate)
        {
            _steps = step + 1;
            _budget = Math.Max(_pace.StateBytesPerStep, 3L * _replica.Layout.FlatLength * sizeof(float) / _pace.StepsForState);
            _windowOpen = true;
            Monitor.PulseAll(_gate);
        }
    }

    public void Dispose()
    {
        _replica.Follower = null;
        Fail(new GroupSetupException("Following was ended.", null));
        _sender.Join();
        _receiver.Join();
        _connection.Dispose();
        lock (_gate)
        {
            while (_outgoing.TryDequeue(out var waiting))
                Free(waiting);
        }

        NativeMemory.Free(_piece);
    }

    private static Thread Start(string name, Action run)
    {
        var thread = new Thread(() => run()) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }

    private void Enqueue(FollowFrame frame, nint address = 0)
    {
        frame.Magic = FollowFrame.ExpectedMagic;
        _outgoing.Enqueue(new Outgoing(frame, address, Owned: false));
        Monitor.PulseAll(_gate);
    }

    private Outgoing ToHost(Outgoing waiting)
    {
        var bytes = (nuint)waiting.Frame.Length * sizeof(float);
        _hostBytes += (long)bytes;
        if (_hostBytes > _pace.MostHostBytes)
            Fail(new GroupSetupException($"The joiner does not keep up: {_hostBytes} bytes of gradients wait for it.", null));
        var copy = NativeMemory.Alloc(bytes);
        NativeMemory.Copy((void*)waiting.Address, copy, bytes);
        return waiting with { Address = (nint)copy, Owned = true };
    }

    private void Free(Outgoing sent)
    {
        if (!sent.Owned)
            return;
        _hostBytes -= (long)sent.Frame.Length * sizeof(float);
        NativeMemory.Free((void*)sent.Address);
    }

    private void Send()
    {
        try
        {
            while (NextFrame() is { } next)
            {
                var frame = next.Frame;
                _connection.Send(MemoryMarshal.AsBytes(new ReadOnlySpan<FollowFrame>(in frame)));
                if (next.Address != 0)
                    _connection.Send(new MemoryRegion(next.Address, PayloadElements(frame) * sizeof(float)));
                lock (_gate)
                {
                    Free(next);
                }
            }
        }
        catch (GroupSetupException broken)
        {
            Fail(broken);
        }
    }

    private static long PayloadElements(FollowFrame frame) => frame.Kind == FollowFrameKind.State ? 3L * frame.Length : frame.Length;

    /// <summary>What goes out next: what training gave first, then state while it stands still, then hashes of it.</summary>
    private Outgoing? NextFrame()
    {
        lock (_gate)
        {
            while (true)
            {
                if (_failure is not null)
                    return null;
                if (_outgoing.TryDequeue(out var waiting))
                    return Staged(waiting);

                if (_windowOpen && _budget > 0 && _cursor > 0)
                    return StatePiece();
                if (_windowOpen && _budget > 0 && _checked > 0)
                    return Check();
                if (_windowOpen && _checked == 0 && !_toldCaughtUp)
                {
                    _toldCaughtUp = true;
                    _caughtUp.TrySetResult();
                    return new Outgoing(new FollowFrame { Magic = FollowFrame.ExpectedMagic, Kind = FollowFrameKind.CaughtUp, Step = _steps }, 0, Owned: false);
                }

                Monitor.Wait(_gate);
            }
        }
    }

    // What goes out is copied first, a piece at a time: training never waits for the wire.
    private Outgoing Staged(Outgoing waiting)
    {
        if (waiting.Address == 0 || waiting.Owned)
            return waiting;
        NativeMemory.Copy((void*)waiting.Address, _piece, (nuint)waiting.Frame.Length * sizeof(float));
        return waiting with { Address = (nint)_piece };
    }

    private Outgoing StatePiece()
    {
        var length = Math.Min(PieceElements, _cursor);
        _cursor -= length;
        _budget -= 3L * length * sizeof(float);
        var target = new Span<float>(_piece, 3 * length);
        _replica.ParameterData.Slice(_cursor, length).CopyTo(target);
        _replica.FirstMoment.Slice(_cursor, length).CopyTo(target[length..]);
        _replica.SecondMoment.Slice(_cursor, length).CopyTo(target[(2 * length)..]);
        return new Outgoing(
            new FollowFrame { Magic = FollowFrame.ExpectedMagic, Kind = FollowFrameKind.State, Step = _steps, Start = _cursor, Length = length }, (nint)_piece, Owned: false);
    }

    private Outgoing Check()
    {
        var length = Math.Min(PieceElements, _checked);
        _checked -= length;
        // Comparing costs a fraction of sending.
        _budget -= 3L * length * sizeof(float) / 4;
        return new Outgoing(
            new FollowFrame
            {
                Magic = FollowFrame.ExpectedMagic,
                Kind = FollowFrameKind.Check,
                Step = _steps,
                Start = _checked,
                Length = length,
                Hash = StateHash.Of(_replica, _checked, length),
            },
            0,
            Owned: false);
    }

    private void Receive()
    {
        try
        {
            FollowFrame frame = default;
            while (true)
            {
                _connection.Receive(MemoryMarshal.AsBytes(new Span<FollowFrame>(ref frame)), TimeSpan.FromDays(1));
                if (frame.Magic != FollowFrame.ExpectedMagic || frame.Kind == FollowFrameKind.Differs)
                    throw new GroupSetupException($"The joiner's state differs after {frame.Step} steps, elements {frame.Start} to {frame.Start + frame.Length}.", null);
                lock (_gate)
                {
                    if (frame.Step == _endStep)
                        _flushed.TrySetResult();
                }
            }
        }
        catch (GroupSetupException broken)
        {
            Fail(broken);
        }
    }

    private void Fail(Exception failure)
    {
        lock (_gate)
        {
            _failure ??= failure;
            _windowOpen = false;
            Monitor.PulseAll(_gate);
        }

        _connection.Cancel();
        _caughtUp.TrySetException(failure);
        _flushed.TrySetException(failure);
        _ = _caughtUp.Task.Exception;
        _ = _flushed.Task.Exception;
    }
}
