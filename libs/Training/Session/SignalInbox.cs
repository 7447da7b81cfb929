using System.Threading.Channels;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>Something that the training thread must know while it does not train.</summary>
internal abstract record Signal
{
    public sealed record MessageArrived(MigrationAttempt Attempt, string Machine, SwitchMessage Message) : Signal;

    public sealed record SwitchOrdered(MigrationAttempt Attempt) : Signal;

    public sealed record LeaverLost(MigrationAttempt Attempt) : Signal;

    public sealed record PreparedGroupLost(MigrationAttempt Attempt, string Reason) : Signal;

    public sealed record AttemptDropped(MigrationAttempt Attempt) : Signal;

    public sealed record GroupFailed(MachineGroups Groups, GroupFailure Failure) : Signal;

    public sealed record Stopped : Signal;
}

/// <summary>Ordered signals for one waiting thread.</summary>
internal sealed class SignalInbox
{
    private readonly Channel<Signal> _signals = Channel.CreateUnbounded<Signal>(new UnboundedChannelOptions { SingleReader = true });

    public void Post(Signal signal) => _signals.Writer.TryWrite(signal);

    /// <summary>The next signal, or null when <paramref name="patience"/> is over; null patience waits for as long as it takes.</summary>
    public Signal? Take(TimeSpan? patience)
    {
        if (_signals.Reader.TryRead(out var ready))
            return ready;
        if (patience <= TimeSpan.Zero)
            return null;

        using var deadline = new CancellationTokenSource(patience ?? Timeout.InfiniteTimeSpan);
        try
        {
            return _signals.Reader.ReadAsync(deadline.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
