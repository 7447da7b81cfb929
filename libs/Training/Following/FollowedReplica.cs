using System.Runtime.InteropServices;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>How fast a leaver lets itself be followed.</summary>
/// <param name="StateBytesPerStep">State sent between two updates at least, in bytes; keeps training from slowing down.</param>
/// <param name="StepsForState">Steps in which all of the state is sent at most, whatever its size.</param>
/// <param name="MostHostBytes">Host memory for gradients that were not sent before they are overwritten, in bytes. Where it does not suffice the joiner cannot keep up, and following ends.</param>
internal sealed record FollowingPace(long StateBytesPerStep = 3 << 20, int StepsForState = 8, long MostHostBytes = 1L << 30);

/// <summary>
/// The followed side of one rank: a leaver's, or that of a member that a standby follows. A run of the state that was sent once is kept up to date at the joiner by what the optimizer consumes at every later step: the summed
/// gradients, from the gradient buffer as soon as they are final, and the global norm when the commit has passed. Of a sharded optimizer these are the gradients of the rank's own part and
/// of its predecessor's, and what other ranks updated follows when it was gathered. State itself is only read between updates, when it does not change. Runs go from the end of the flat
/// buffers to the beginning, as backward finishes gradients.
/// </summary>
internal sealed unsafe class FollowedReplica : IReplicaFollower, IDisposable
{
    private const int PieceElements = 64 * 1024;

    // A parameter has two moments here at most: what the rank updates itself, and the copy of what its predecessor updates, do not meet.
    private const int StagedElements = 3 * PieceElements;

    private readonly object _gate = new();
    private readonly Replica _replica;
    private readonly StateConnection _connection;
    private readonly FollowingPace _pace;
    private readonly IReadOnlyList<FlatPart> _updated;
    private readonly IReadOnlyList<FlatPart> _gathered;
    private readonly Queue<Outgoing> _outgoing = new();
    private readonly HostBlocks _host = new(StagedElements * sizeof(float));
    private readonly TaskCompletionSource _caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _flushed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _sender;
    private readonly Thread _receiver;
    private readonly float* _piece = (float*)NativeMemory.Alloc(StagedElements, sizeof(float));
    private Exception? _failure;
    private long _senderNumber;
    private bool _isHeld;
    private bool _windowOpen;
    private bool _askedCaughtUp;
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
        (_updated, _gathered) = replica.ParameterRuns();
        _cursor = _checked = replica.Layout.FlatLength;
        _steps = replica.Step;
        _sender = Start("followed", Send);
        _receiver = Start("followed, answers", Receive);
        replica.Follower = this;
    }

    /// <summary>Completes when the joiner holds everything, compared; faults when following ended before.</summary>
    public Task CaughtUp => _caughtUp.Task;

    /// <summary>Whether the joiner holds everything and still follows.</summary>
    public bool IsCaughtUp
    {
        get
        {
            lock (_gate)
                return _failure is null && _caughtUp.Task.IsCompletedSuccessfully;
        }
    }

    /// <summary>Completes when the joiner has applied the last step of <see cref="Finish"/>, or holds its update.</summary>
    public Task Flushed => _flushed.Task;

    private readonly record struct Outgoing(FollowFrame Frame, nint Address, long Bytes, bool Owned);

    /// <summary>Ends following at a boundary: between two steps, or before an update that both sides hold. False when the joiner is no replica: it needs a copy of the state.</summary>
    /// <param name="step">Completed steps; the held update counts as one.</param>
    /// <param name="held">The update of the last of these steps where it is not applied yet.</param>
    public bool Finish(long step, HeldUpdate? held = null)
    {
        lock (_gate)
        {
            if (!IsCaughtUp || _steps != (held?.Step ?? step))
                return false;
            _endStep = step;

            // Training stands still until the joiner has all of it.
            ProcessorTurn.AskForNow(_senderNumber);
            _isHeld = held is not null;
            if (held is not null)
                Enqueue(Update(FollowFrameKind.HeldUpdate, held.Step, held.Norm, held.Replicas));
            // Gradients of a step that a failure stopped are nobody's: the joiner computes its own.
            Rewrite(waiting => waiting.Frame.Kind == FollowFrameKind.Gradients && waiting.Frame.Step >= step ? null : waiting);
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
            if (_failure is null)
                EnqueueFollowed(FollowFrameKind.Gradients, step, _updated, new FlatPart(start, length), _replica.GradientRegion.Address);
        }
    }

    public void GradientsDiscarded()
    {
        lock (_gate)
            KeepUnsent(FollowFrameKind.Gradients);
    }

    public void Updating(long step, double norm, int replicas)
    {
        lock (_gate)
        {
            _windowOpen = false;
            KeepUnsent(FollowFrameKind.Parameters);
            if (_failure is null && _cursor < _replica.Layout.FlatLength)
                Enqueue(Update(FollowFrameKind.Update, step, norm, replicas));
        }
    }

    public void Updated(long step)
    {
        lock (_gate)
        {
            _steps = step + 1;
            if (_failure is null)
                EnqueueFollowed(FollowFrameKind.Parameters, step, _gathered, new FlatPart(0, _replica.Layout.FlatLength), _replica.ParameterRegion.Address);
            _budget = Math.Max(_pace.StateBytesPerStep, 3L * _replica.Layout.FlatLength * sizeof(float) / _pace.StepsForState);
            _windowOpen = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>From here on the replica trains for itself, or for another follower that has come in the meantime.</summary>
    public void Detach()
    {
        if (ReferenceEquals(_replica.Follower, this))
            _replica.Follower = null;
    }

    public void Dispose()
    {
        Detach();
        Fail(new GroupSetupException("Following was ended.", null));
        _sender.Join();
        _receiver.Join();
        _connection.Dispose();
        _host.Dispose();
        NativeMemory.Free(_piece);
    }

    private static Thread Start(string name, Action run)
    {
        var thread = new Thread(() => run()) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }

    private static FollowFrame Update(FollowFrameKind kind, long step, double norm, int replicas) => new() { Kind = kind, Step = step, Value = norm, Hash = (UInt128)replicas };

    private void Enqueue(FollowFrame frame, nint address = 0)
    {
        frame.Magic = FollowFrame.ExpectedMagic;
        _outgoing.Enqueue(new Outgoing(frame, address, address == 0 ? 0 : (long)frame.Length * sizeof(float), Owned: false));
        Monitor.PulseAll(_gate);
    }

    /// <summary>What is followed of some runs, in pieces.</summary>
    private void EnqueueFollowed(FollowFrameKind kind, long step, IReadOnlyList<FlatPart> runs, FlatPart within, nint buffer)
    {
        var start = Math.Max(within.Start, _cursor);
        var followed = new FlatPart(start, Math.Max(0, within.End - start));
        foreach (var run in runs)
        {
            var common = run.Intersect(followed);
            for (var first = common.Start; first < common.End; first += StagedElements)
            {
                Enqueue(
                    new FollowFrame { Kind = kind, Step = step, Start = first, Length = Math.Min(StagedElements, common.End - first) },
                    buffer + ((nint)first * sizeof(float)));
            }
        }
    }

    /// <summary>Copies what was not sent yet and is about to be overwritten.</summary>
    private void KeepUnsent(FollowFrameKind kind)
    {
        var unsent = _outgoing.Where(waiting => waiting.Frame.Kind == kind && !waiting.Owned).Sum(waiting => waiting.Bytes);
        if (unsent == 0)
            return;
        if (_hostBytes + unsent > _pace.MostHostBytes)
        {
            Fail(new GroupSetupException($"The joiner does not keep up: {_hostBytes + unsent} bytes wait for it.", null));
            return;
        }

        Rewrite(waiting => waiting.Frame.Kind == kind && !waiting.Owned ? ToHost(waiting) : waiting);
    }

    /// <summary>Puts something else in the place of what waits, in order; null drops it.</summary>
    private void Rewrite(Func<Outgoing, Outgoing?> rewrite)
    {
        for (var count = _outgoing.Count; count > 0; count--)
        {
            var waiting = _outgoing.Dequeue();
            if (rewrite(waiting) is { } kept)
                _outgoing.Enqueue(kept);
            else
                Free(waiting);
        }
    }

    private Outgoing ToHost(Outgoing waiting)
    {
        _hostBytes += waiting.Bytes;
        var copy = _host.Take();
        NativeMemory.Copy((void*)waiting.Address, (void*)copy, (nuint)waiting.Bytes);
        return waiting with { Address = copy, Owned = true };
    }

    private void Free(Outgoing sent)
    {
        if (!sent.Owned)
            return;
        _hostBytes -= sent.Bytes;
        _host.Return(sent.Address);
    }

    private void Send()
    {
        // It moves bytes: what it has not sent by the time that a step is committed, a switch waits for.
        ProcessorTurn.AskForLittle();
        lock (_gate)
            _senderNumber = ProcessorTurn.ThisThread;
        try
        {
            while (NextFrame() is { } next)
            {
                try
                {
                    var frame = next.Frame;
                    _connection.Send(MemoryMarshal.AsBytes(new ReadOnlySpan<FollowFrame>(in frame)));
                    if (next.Address != 0)
                        _connection.Send(new MemoryRegion(next.Address, next.Bytes));
                }
                finally
                {
                    lock (_gate)
                        Free(next);
                }
            }
        }
        catch (GroupSetupException broken)
        {
            Fail(broken);
        }
    }

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
                if (_windowOpen && _checked == 0 && !_askedCaughtUp)
                {
                    _askedCaughtUp = true;
                    return new Outgoing(new FollowFrame { Magic = FollowFrame.ExpectedMagic, Kind = FollowFrameKind.CaughtUp, Step = _steps }, 0, 0, Owned: false);
                }

                Monitor.Wait(_gate);
            }
        }
    }

    // What goes out is copied first, a piece at a time: training never waits for the wire. Gradients of a held update are overwritten by nobody.
    private Outgoing Staged(Outgoing waiting)
    {
        if (waiting.Address == 0 || waiting.Owned || _isHeld)
            return waiting;
        NativeMemory.Copy((void*)waiting.Address, _piece, (nuint)waiting.Bytes);
        return waiting with { Address = (nint)_piece };
    }

    private Outgoing StatePiece()
    {
        var length = Math.Min(PieceElements, _cursor);
        _cursor -= length;
        var bytes = 0L;
        foreach (var region in _replica.StateOf(new FlatPart(_cursor, length)))
        {
            NativeMemory.Copy((void*)region.Address, (byte*)_piece + bytes, (nuint)region.Length);
            bytes += region.Length;
        }

        _budget -= bytes;
        return new Outgoing(
            new FollowFrame { Magic = FollowFrame.ExpectedMagic, Kind = FollowFrameKind.State, Step = _steps, Start = _cursor, Length = length }, (nint)_piece, bytes, Owned: false);
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
                    if (frame.Kind == FollowFrameKind.CaughtUp)
                        _caughtUp.TrySetResult();
                    else if (frame.Step == _endStep)
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
            Rewrite(_ => null);
            Monitor.PulseAll(_gate);
        }

        _connection.Cancel();
        _caughtUp.TrySetException(failure);
        _flushed.TrySetException(failure);
        _ = _caughtUp.Task.Exception;
        _ = _flushed.Task.Exception;
    }
}
