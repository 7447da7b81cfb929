using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>A step that was recorded while it was trained.</summary>
/// <param name="Outcome">How the step ended.</param>
/// <param name="Record">The record; null if the commit did not pass, since nothing was applied that a shadow could be compared with.</param>
public sealed record RecordedStep(StepOutcome Outcome, StepRecord? Record);

/// <summary>Records a step of a running job: same collectives, same bits, wrappers around groups that are gone afterwards.</summary>
public static class StepRecorder
{
    /// <summary>Trains one step and records it. The record is in memory; <see cref="StepRecord.Save"/> may run while training goes on.</summary>
    /// <param name="job">Job that is recorded.</param>
    /// <param name="replica">This rank's state.</param>
    /// <param name="corpus">The training text.</param>
    /// <param name="groups">The real groups.</param>
    /// <param name="roles">Roles of the groups to record, those that reach beyond the machine: <see cref="GroupRoles.Crossing"/>.</param>
    /// <param name="commit">Enters the commit that it is given, with a ballot that votes for no generation (a shadow iteration votes for none either); null for just that.</param>
    public static RecordedStep TrainStep(
        string job, Replica replica, ITrainingData corpus, IRankGroups groups, IReadOnlySet<GroupRole> roles, Func<StepCommit, CommitVerdict>? commit = null)
    {
        var recording = new RecordingGroups(groups, roles);
        var gradients = "";
        var outcome = StepProtocol.TrainStep(replica, corpus, recording.Groups, entered =>
        {
            gradients = replica.DigestOfGradients();
            return commit is null ? StepProtocol.Commit(entered) : commit(entered);
        });
        if (!outcome.Verdict.Passed)
            return new RecordedStep(outcome, Record: null);
        return new RecordedStep(outcome, new StepRecord(
            job, groups.Rank, groups.Layout, outcome.Step, replica.Recipe.Seed, BitConverter.SingleToUInt32Bits(outcome.Loss), gradients, replica.Digest(), recording.Recorded));
    }
}
