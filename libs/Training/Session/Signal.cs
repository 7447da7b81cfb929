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
