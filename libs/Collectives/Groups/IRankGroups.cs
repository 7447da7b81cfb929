namespace TrainMover.Collectives;

/// <summary>The communication groups of one rank: all that its training code can reach others by. A failure of any of them is a failure of all.</summary>
public interface IRankGroups
{
    /// <summary>The layout that the groups belong to.</summary>
    ParallelLayout Layout { get; }

    /// <summary>This rank, from 0, among all ranks of the job.</summary>
    int Rank { get; }

    /// <summary>Where this rank stands in the layout.</summary>
    RankPosition Position => Layout.PositionOf(Rank);

    /// <summary>Replicas of this rank's parameters; of size 1 where there are no others.</summary>
    ICommunicator DataParallel { get; }

    /// <summary>Parts of this rank's layers; of size 1 where layers are whole.</summary>
    ICommunicator TensorParallel { get; }

    /// <summary>The ranks that make up one whole model; of size 1 where this rank alone does.</summary>
    ICommunicator ModelParallel { get; }

    /// <summary>This rank and the stage before it; null in the first stage.</summary>
    ICommunicator? Previous { get; }

    /// <summary>This rank and the stage after it; null in the last stage.</summary>
    ICommunicator? Next { get; }

    /// <summary>First and last stage, for the tied embedding; null in every other stage, and where there is one stage only.</summary>
    ICommunicator? Embedding { get; }

    /// <summary>
    /// Throws what the next call would throw if the generation has failed: whoever computes for long between two calls asks it, and does not compute for nothing. Groups that cannot fail
    /// never throw.
    /// </summary>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void ThrowIfFailed()
    {
    }

    /// <summary>Returns once every rank of the job has called it.</summary>
    /// <exception cref="CollectiveException">The generation has failed.</exception>
    void Barrier()
    {
        DataParallel.Barrier();
        ModelParallel.Barrier();
    }
}
