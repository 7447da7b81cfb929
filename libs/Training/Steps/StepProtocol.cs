using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>How a step ended on this rank.</summary>
/// <param name="Step">The step, from 0.</param>
/// <param name="Loss">Mean loss of the group in nats per byte.</param>
/// <param name="Verdict">What the commit collective said; the update was applied if it passed.</param>
public readonly record struct StepOutcome(long Step, float Loss, CommitVerdict Verdict);

/// <summary>
/// One data-parallel training step: the only place that knows the order of its collectives, for the real loop, the recorded step and the shadow iteration alike.
/// (1) sum of gradients and loss, (2) commit. No rank applies a step before its commit has returned.
/// </summary>
public static class StepProtocol
{
    /// <summary>Forward, backward, and the sum of gradients and loss over the group. Parameters and moments stay as they are, so the step can be retried after a failure.</summary>
    /// <param name="replica">This rank's state; <see cref="Replica.Step"/> is the step that is computed.</param>
    /// <param name="corpus">The training text.</param>
    /// <param name="group">The data-parallel group.</param>
    /// <returns>Mean loss of the group.</returns>
    public static float ReduceGradients(Replica replica, Corpus corpus, ICommunicator group)
    {
        replica.ForwardBackward(corpus, replica.Step, group.Rank, group.Size);
        group.AllReduce(replica.Gradients, ReduceOperation.Sum);
        return replica.ReducedLoss(group.Size);
    }

    /// <summary>The commit collective.</summary>
    /// <param name="group">The group that commits.</param>
    /// <param name="ballot">This rank's ballot.</param>
    /// <returns>The verdict, alike on every rank on which the call returns.</returns>
    public static CommitVerdict Commit(ICommunicator group, CommitBallot ballot)
    {
        Span<float> values = stackalloc float[CommitBallot.Length];
        ballot.Write(values);
        group.AllReduce(values, ReduceOperation.Min);
        return CommitVerdict.From(values);
    }

    /// <summary>The commit of a step in which nobody votes to switch.</summary>
    /// <param name="group">The group that commits.</param>
    public static CommitVerdict Commit(ICommunicator group) => Commit(group, new CommitBallot(Ready: true, Generation: 0));

    /// <summary>A whole step: reduce, commit, and, if the commit passed, apply.</summary>
    /// <param name="replica">This rank's state.</param>
    /// <param name="corpus">The training text.</param>
    /// <param name="group">The data-parallel group.</param>
    /// <param name="commit">Enters the commit collective of the group; called when the reduced gradients are in place and nothing is applied yet.</param>
    public static StepOutcome TrainStep(Replica replica, Corpus corpus, ICommunicator group, Func<ICommunicator, CommitVerdict> commit)
    {
        var step = replica.Step;
        var loss = ReduceGradients(replica, corpus, group);
        var verdict = commit(group);
        if (verdict.Passed)
            replica.ApplyUpdate(step, group.Size);
        return new StepOutcome(step, loss, verdict);
    }
}
