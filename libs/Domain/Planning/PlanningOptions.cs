namespace TrainMover.Domain.Planning;

/// <summary>Settings of the planning policy.</summary>
public sealed record PlanningOptions
{
    /// <summary>Version under which decisions are recorded.</summary>
    public string PolicyVersion { get; init; } = "planner-1";

    /// <summary>How long the preparation of an expected migration may take, following included, before the plan is given up; training goes on meanwhile. Default 3 min; range 1 s to 1 h.</summary>
    public TimeSpan PreparationDeadline { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>The same after a failure, while training stands still. Default 60 s; range 1 s to <see cref="PreparationDeadline"/>.</summary>
    public TimeSpan FailurePreparationDeadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a machine that failed is not chosen again. Default 24 h.</summary>
    public TimeSpan FailureQuarantine { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long a machine that left on notice is not chosen again. Default 1 h.</summary>
    public TimeSpan MaintenanceQuarantine { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Aborted plans for one interruption after which the Planner waits for an operator. Default 3; range 1 to 100.</summary>
    public int AttemptLimit { get; init; } = 3;

    /// <summary>The first broken rule, or null when the settings agree with each other.</summary>
    public string? BrokenRule() => this switch
    {
        { PreparationDeadline: var deadline } when deadline < TimeSpan.FromSeconds(1) || deadline > TimeSpan.FromHours(1) =>
            $"PreparationDeadline is {deadline}; it lies between 1 s and 1 h.",
        { FailurePreparationDeadline: var deadline } when deadline < TimeSpan.FromSeconds(1) || deadline > PreparationDeadline =>
            $"FailurePreparationDeadline is {deadline}; it lies between 1 s and PreparationDeadline, {PreparationDeadline}.",
        { FailureQuarantine: var quarantine } when quarantine < TimeSpan.Zero => $"FailureQuarantine is {quarantine}; it is not negative.",
        { MaintenanceQuarantine: var quarantine } when quarantine < TimeSpan.Zero => $"MaintenanceQuarantine is {quarantine}; it is not negative.",
        { AttemptLimit: < 1 or > 100 } => $"AttemptLimit is {AttemptLimit}; it lies between 1 and 100.",
        _ => null,
    };
}
