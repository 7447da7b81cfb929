using System.Runtime.InteropServices;
using TrainMover.Collectives;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// The joiner's side of following one rank: takes runs of state, applies to them every later step with the same optimizer, and compares hashes. AdamW is element-wise, so the replica
/// is bit-identical whatever the runs. Of a sharded optimizer it updates the rank's own part and the copy of its predecessor's; the parameters of the others come as they are.
/// </summary>
internal sealed class FollowingReplica : IDisposable
{
    private readonly Replica _replica;
    private readonly StateConnection _connection;
    private readonly Tensor _landing;
    private readonly bool _landsInGradients;
    private readonly TaskCompletionSource _caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<long> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private long _threadNumber;
    private int _cursor;
    private long _bytes;

    /// <summary>Begins.</summary>
    /// <param name="replica">What becomes the leaver's replica.</param>
    /// <param name="connection">From the leaver; this one's to dispose.</param>
    /// <param name="inGradientBuffer">Gradients arrive in the replica's gradient buffer, which is idle until it trains; else in memory of their own.</param>
    public FollowingReplica(Replica replica, StateConnection connection, bool inGradientBuffer)
    {
        (_replica, _connection, _landing, _landsInGradients) = (replica, connection, replica.TakeLanding(inGradientBuffer), inGradientBuffer);
        _cursor = replica.Layout.FlatLength;
        replica.ForgetStoppedPasses();
        _thread = new Thread(Run) { IsBackground = true, Name = "following" };
        _thread.Start();
    }

    /// <summary>Completes when the replica equals the leaver's, compared; faults when following ended before.</summary>
    public Task CaughtUp => _caughtUp.Task;

    /// <summary>The steps that the replica has when the leaver ends following; faults when it broke off.</summary>
    public Task<long> Ended => _ended.Task;

    /// <summary>The last update, if the leaver held it and its gradients are where the replica's own would be: the replica's owner applies it. Known once <see cref="Ended"/> has completed.</summary>
    public HeldUpdate? Held { get; private set; }

    /// <summary>Bytes received.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Training stands still until following has ended.</summary>
    public void Hurry() => ProcessorTurn.AskForNow(Interlocked.Read(ref _threadNumber));

    public void Dispose()
    {
        _connection.Cancel();
        _thread.Join();
        _connection.Dispose();
        _landing.Dispose();
    }

    private void Run()
    {
        ComputeThread.HoldToOneThread();

        // It moves bytes, most of the time, and a sender whose receiver is not let in has to wait.
        ProcessorTurn.AskForLittle();
        Interlocked.Exchange(ref _threadNumber, ProcessorTurn.ThisThread);
        try
        {
            FollowFrame frame = default;
            while (frame.Kind != FollowFrameKind.End)
            {
                // A job between two steps may be silent for long; whoever loses the leaver cancels.
                _connection.Receive(MemoryMarshal.AsBytes(new Span<FollowFrame>(ref frame)), TimeSpan.FromDays(1));
                Take(frame);
            }

            _ended.TrySetResult(frame.Step);
        }
        catch (Exception broken) when (broken is not OutOfMemoryException)
        {
            _caughtUp.TrySetException(broken);
            _ended.TrySetException(broken);
            _ = _caughtUp.Task.Exception;
            _ = _ended.Task.Exception;
        }
    }

    private void Take(in FollowFrame frame)
    {
        Check(frame);
        switch (frame.Kind)
        {
            case FollowFrameKind.State:
                foreach (var region in _replica.StateOf(new FlatPart(frame.Start, frame.Length)))
                    Receive(region);
                _cursor = frame.Start;
                break;
            case FollowFrameKind.Gradients:
                Receive(Replica.At(Replica.Region(_landing), new FlatPart(frame.Start, frame.Length)));
                break;
            case FollowFrameKind.Parameters:
                Receive(Replica.At(_replica.ParameterRegion, new FlatPart(frame.Start, frame.Length)));
                break;
            case FollowFrameKind.Update:
                _replica.ApplyFollowed(frame.Step, frame.Value, (int)frame.Hash, _cursor, _landing);
                Answer(FollowFrameKind.Applied, frame.Step + 1, frame);
                break;
            case FollowFrameKind.HeldUpdate when _landsInGradients:
                Held = new HeldUpdate(frame.Step, frame.Value, (int)frame.Hash);
                break;
            case FollowFrameKind.HeldUpdate:
                _replica.ApplyFollowed(frame.Step, frame.Value, (int)frame.Hash, _cursor, _landing);
                break;
            case FollowFrameKind.Check when StateHash.Of(_replica, frame.Start, frame.Length) != frame.Hash:
                Answer(FollowFrameKind.Differs, frame.Step, frame);
                throw new GroupSetupException($"The followed state differs after {frame.Step} steps, elements {frame.Start} to {frame.Start + frame.Length}.", null);
            case FollowFrameKind.CaughtUp:
                // All that was to be compared came before it on the stream, and is equal.
                _caughtUp.TrySetResult();
                Answer(FollowFrameKind.CaughtUp, frame.Step, frame);
                break;
            case FollowFrameKind.End:
                Answer(FollowFrameKind.Applied, frame.Step, frame);
                break;
            default:
                break;
        }
    }

    private void Check(in FollowFrame frame)
    {
        var known = frame.Magic == FollowFrame.ExpectedMagic && frame.Kind is >= FollowFrameKind.State and <= FollowFrameKind.End;
        if (!known || frame.Start < 0 || frame.Length < 0 || frame.Length > _replica.Layout.FlatLength - frame.Start)
            throw new GroupSetupException("What came on a following stream is no frame of it.", null);
    }

    private void Receive(MemoryRegion region)
    {
        _connection.Receive(region);
        Interlocked.Add(ref _bytes, region.Length);
    }

    private void Answer(FollowFrameKind kind, long step, in FollowFrame about)
    {
        var answer = about with { Kind = kind, Step = step };
        _connection.Send(MemoryMarshal.AsBytes(new ReadOnlySpan<FollowFrame>(in answer)));
    }
}
