namespace TrainMover.Training;

/// <summary>What the passes of a step depend on besides the parameters, and who shares the reduction behind them: where any of it differs, they begin anew.</summary>
/// <param name="Data">What is trained on.</param>
/// <param name="Step">Step, from 0.</param>
/// <param name="FirstSequence">First sequence of the rank's data-parallel place.</param>
/// <param name="Replicas">Number of data-parallel ranks.</param>
internal sealed record PassKey(ITrainingData Data, long Step, long FirstSequence, int Replicas);

/// <summary>
/// How far the passes of a step have come, beside what micro-batches in flight and the gradient buffer hold. When the groups fail between two segments, the passes can go on there in the
/// groups of the next generation: parameters are those of the step until its update, and data and masks are functions of the step.
/// </summary>
/// <param name="key">What must be the same for that.</param>
internal sealed class PartialPass(PassKey key)
{
    public PassKey Key { get; } = key;

    /// <summary>Index of the action that is under way; which of its segments are done its micro-batch knows.</summary>
    public int Action { get; set; }

    /// <summary>The first backward pass has begun: the gradient buffer is this step's.</summary>
    public bool WritesGradients { get; set; }

    /// <summary>Some gradients were given to the reduction, which works in place.</summary>
    public bool GaveGradients { get; set; }

    /// <summary>No segment has been begun since the last one ended.</summary>
    public bool IsBetweenSegments { get; set; }

    /// <summary>Whether passes that have ended here can go on here.</summary>
    public bool CanGoOn => IsBetweenSegments && !GaveGradients;
}
