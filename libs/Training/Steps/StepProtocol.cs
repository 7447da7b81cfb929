using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>How a step ended on this rank.</summary>
/// <param name="Step">The step, from 0.</param>
/// <param name="Loss">Mean loss of the step in nats per byte, over all ranks.</param>
/// <param name="Verdict">What the commit said; the update was applied if it passed.</param>
public readonly record struct StepOutcome(long Step, float Loss, CommitVerdict Verdict);

/// <summary>The commit of a step that is about to be entered: this rank's reduced gradients are in place, nothing is applied yet.</summary>
/// <param name="Replica">This rank's state.</param>
/// <param name="Groups">This rank's groups.</param>
public readonly record struct StepCommit(Replica Replica, IRankGroups Groups)
{
    /// <summary>Enters the commit. Returns on no rank before every rank of the job has entered.</summary>
    /// <param name="ballot">This rank's ballot.</param>
    /// <returns>The verdict, alike on every rank on which the call returns.</returns>
    /// <exception cref="CollectiveException">A group has failed; whether the commit passed must be asked of the others.</exception>
    public CommitVerdict Enter(CommitBallot ballot) => CommitCollective.Run(Groups, Replica.ShareOf(ballot, Groups), Replica.Recipe.ShardOptimizer);
}

/// <summary>
/// One training step: the only place that knows the order of its collectives, for the real loop, the recorded step and the shadow iteration alike.
/// (1) passes and sum of gradients and loss, (2) commit with the global norm, (3) update, (4) with a sharded optimizer, exchange of the updated parameters. No rank applies a step
/// before its commit has returned.
/// </summary>
public static class StepProtocol
{
    /// <summary>
    /// Forward, backward, and the sum of gradients and loss. Parameters and moments stay as they are, so the step can be retried after a failure: passes that it stopped go on where they were, as
    /// <see cref="Replica.ForwardBackward"/> does, unless some gradients are reduced already.
    /// </summary>
    /// <param name="replica">This rank's state; <see cref="Replica.Step"/> is the step that is computed.</param>
    /// <param name="data">What is trained on.</param>
    /// <param name="groups">This rank's groups.</param>
    /// <exception cref="CollectiveException">A group has failed.</exception>
    public static void ReduceGradients(Replica replica, ITrainingData data, IRankGroups groups) => replica.ReduceGradients(data, replica.Step, groups);

    /// <summary>The commit of a step in which nobody votes to switch.</summary>
    /// <param name="commit">The commit to enter.</param>
    public static CommitVerdict Commit(StepCommit commit) => commit.Enter(new CommitBallot(!commit.Replica.AwaitsParameters, Generation: 0));

    /// <summary>
    /// A whole step: reduce, commit, and, if the commit passed, apply. It does not pass where some rank began it without all parameters of the step before: then all ranks gather these, and the
    /// step is to be made again.
    /// </summary>
    /// <param name="replica">This rank's state.</param>
    /// <param name="data">What is trained on.</param>
    /// <param name="groups">This rank's groups.</param>
    /// <param name="commit">Enters the commit that it is given; called when the reduced gradients are in place and nothing is applied yet.</param>
    /// <exception cref="CollectiveException">A group has failed.</exception>
    /// <exception cref="NonFiniteGradientException">The gradient is not finite, on every rank alike; nothing was changed.</exception>
    public static StepOutcome TrainStep(Replica replica, ITrainingData data, IRankGroups groups, Func<StepCommit, CommitVerdict> commit)
    {
        var step = replica.Step;
        var verdict = TrainToCommit(replica, data, groups, commit);
        Complete(replica, groups, verdict);
        return new StepOutcome(step, verdict.Loss, verdict);
    }

    /// <summary>The first half of a step: reduce and commit. Nothing is applied.</summary>
    /// <inheritdoc cref="TrainStep"/>
    public static CommitVerdict TrainToCommit(Replica replica, ITrainingData data, IRankGroups groups, Func<StepCommit, CommitVerdict> commit)
    {
        ReduceGradients(replica, data, groups);
        return commit(new StepCommit(replica, groups));
    }

    /// <summary>The second half of a step: apply, if the commit passed, and exchange what was updated.</summary>
    /// <param name="replica">This rank's state.</param>
    /// <param name="groups">This rank's groups.</param>
    /// <param name="verdict">What the commit said.</param>
    /// <exception cref="CollectiveException">A group has failed; the update was applied.</exception>
    /// <exception cref="NonFiniteGradientException">The gradient is not finite, on every rank alike; nothing was changed.</exception>
    public static void Complete(Replica replica, IRankGroups groups, CommitVerdict verdict)
    {
        if (verdict.Passed)
        {
            replica.ApplyUpdate(replica.Step, verdict.Norm, groups.DataParallel.Size);
        }
        else
        {
            // All make the same calls, also those who miss nothing.
            replica.AwaitsParameters = true;
        }

        replica.GatherParameters(groups);
    }
}
