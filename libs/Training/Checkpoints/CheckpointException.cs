namespace TrainMover.Training;

/// <summary>A checkpoint is missing, torn, altered, or belongs to another model or job. Nothing was loaded from it.</summary>
/// <param name="file">Path of the checkpoint.</param>
/// <param name="reason">What is wrong with it.</param>
/// <param name="cause">The underlying error, if there is one.</param>
public sealed class CheckpointException(string file, string reason, Exception? cause = null) : Exception($"Checkpoint {file}: {reason}.", cause)
{
    /// <summary>Path of the checkpoint.</summary>
    public string File { get; } = file;

    /// <summary>What is wrong with it.</summary>
    public string Reason { get; } = reason;
}
