namespace TrainMover.Collectives;

/// <summary>Thrown by every pending and every later call of a generation that has failed.</summary>
/// <param name="failure">The first cause on this rank.</param>
public sealed class CollectiveException(GroupFailure failure) : Exception(Describe(failure))
{
    /// <summary>The first cause on this rank.</summary>
    public GroupFailure Failure { get; } = failure;

    private static string Describe(GroupFailure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return $"{failure.Kind}{(failure.SuspectMachine is { } machine ? $" ({machine})" : "")}: {failure.Detail}";
    }
}
