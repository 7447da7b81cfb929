using System.Collections.Concurrent;
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

/// <summary>Ordered signals for one waiting thread, which is woken by whoever posts.</summary>
internal sealed class SignalInbox
{
    private readonly BlockingCollection<Signal> _signals = [];

    public void Post(Signal signal) => _signals.Add(signal);

    /// <summary>The next signal, or null when <paramref name="patience"/> is over; null patience waits for as long as it takes.</summary>
    public Signal? Take(TimeSpan? patience)
    {
        var wait = patience is not { } limit ? Timeout.InfiniteTimeSpan : limit > TimeSpan.Zero ? limit : TimeSpan.Zero;
        return _signals.TryTake(out var signal, wait) ? signal : null;
    }
}
