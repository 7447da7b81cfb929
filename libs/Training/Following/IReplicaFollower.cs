namespace TrainMover.Training;

/// <summary>Learns what an optimizer consumes while it trains. Called by the threads that train: implementations are quick and do not throw.</summary>
internal interface IReplicaFollower
{
    /// <summary>
    /// A run of the flat gradients holds its final sum of the step, as far as this rank updates it; more than one run may be told at once, each by one thread.
    /// </summary>
    /// <param name="step">The step.</param>
    /// <param name="start">First element.</param>
    /// <param name="length">Number of elements.</param>
    void GradientsReduced(long step, int start, int length);

    /// <summary>The gradient buffer is about to be overwritten by the next passes.</summary>
    void GradientsDiscarded();

    /// <summary>The commit of a step has passed: parameters and moments are about to change.</summary>
    /// <param name="step">The step.</param>
    /// <param name="norm">Global norm of its averaged gradient.</param>
    /// <param name="replicas">Number of ranks that were summed.</param>
    void Updating(long step, double norm, int replicas);

    /// <summary>Parameters and moments are those after the step, gathered where the optimizer is sharded, and do not change until the next update.</summary>
    /// <param name="step">The step.</param>
    void Updated(long step);
}
