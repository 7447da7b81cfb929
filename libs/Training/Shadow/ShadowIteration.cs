using System.Diagnostics;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>What a shadow iteration showed.</summary>
/// <param name="Good">What was sent, loss, gradients and updated state are bit-equal to the record: this machine computes the job as the recorded one did.</param>
/// <param name="Reason">Why it is not good; null if it is.</param>
/// <param name="Loss">The group's mean loss as it came out; NaN if the iteration did not get that far.</param>
/// <param name="Duration">Time from the start to the last comparison: loading, iteration, warm-up.</param>
/// <param name="Calls">Collectives that the sandbox answered.</param>
/// <param name="BytesAnswered">Bytes that it answered them with.</param>
public sealed record ShadowResult(bool Good, string? Reason, float Loss, TimeSpan Duration, int Calls, long BytesAnswered);

/// <summary>
/// One full training iteration that a joiner runs alone, on recorded communication results (paper: communication-free sandboxed shadow iteration). It
/// warms up everything that training will use and proves the machine on the very job. The state it leaves is of no worth: the leaver's overwrites it.
/// </summary>
public static class ShadowIteration
{
    /// <summary>Loads the initial checkpoint, runs the recorded step in the sandbox and compares. Never throws for what it finds and never waits for anybody.</summary>
    /// <param name="cold">The joiner's replica, of the job's shape and recipe; overwritten.</param>
    /// <param name="corpus">The training text.</param>
    /// <param name="checkpoint">Path of the checkpoint from which the recorded step started.</param>
    /// <param name="record">Folder of the record.</param>
    /// <param name="inside">Real groups among the ranks that run the shadow iteration together; null where each runs alone.</param>
    public static ShadowResult Run(Replica cold, ITrainingData corpus, string checkpoint, string record, IRankGroups? inside = null)
    {
        var started = Stopwatch.GetTimestamp();
        SandboxedGroups? sandbox = null;
        var loss = float.NaN;
        string? reason;
        try
        {
            var recorded = StepRecord.Load(record);
            sandbox = new SandboxedGroups(recorded, inside);
            reason = RefuseStart(recorded, Checkpoint.Load(checkpoint, cold));
            if (reason is null)
            {
                var gradients = "";
                var outcome = StepProtocol.TrainStep(cold, corpus, sandbox.Groups, commit =>
                {
                    gradients = cold.DigestOfGradients();
                    return StepProtocol.Commit(commit);
                });
                loss = outcome.Loss;
                reason = Compare(recorded, sandbox, outcome, gradients, cold);
            }
        }
        catch (Exception error)
        {
            // Whatever a bad record or checkpoint provokes is an answer about this joiner, not a fault of the job.
            reason = error.Message;
        }

        return new ShadowResult(reason is null, reason, loss, Stopwatch.GetElapsedTime(started), sandbox?.Calls ?? 0, sandbox?.BytesAnswered ?? 0);
    }

    private static string? RefuseStart(StepRecord recorded, CheckpointInfo initial)
    {
        if (initial.Job != recorded.Job)
            return $"The checkpoint belongs to job {initial.Job}, the record to job {recorded.Job}.";
        if (initial.Seed != recorded.Seed)
            return $"The checkpoint has seed {initial.Seed}, the record seed {recorded.Seed}.";
        if (initial.Step != recorded.Step)
            return $"The checkpoint holds {initial.Step} completed steps, the record begins at step {recorded.Step}.";
        return null;
    }

    private static string? Compare(StepRecord recorded, SandboxedGroups sandbox, StepOutcome outcome, string gradients, Replica replica)
    {
        foreach (var (role, group) in sandbox.Answered)
        {
            var calls = recorded.Groups.First(other => other.Role == role).Calls;
            for (var call = 0; call < group.InputsMatch.Count; call++)
            {
                if (!group.InputsMatch[call])
                    return $"What call {call} of group {role} ({calls[call].Operation}) would have sent differs from what rank {recorded.Rank} sent.";
            }

            if (!group.Complete)
                return $"The record has {calls.Count} calls of group {role}, the shadow iteration made {group.Calls}.";
        }

        if (!outcome.Verdict.Passed)
            return "The recorded commit did not pass.";
        if (BitConverter.SingleToUInt32Bits(outcome.Loss) != recorded.LossBits)
            return $"The loss is {outcome.Loss:R}, the record says {BitConverter.UInt32BitsToSingle(recorded.LossBits):R}.";
        if (gradients != recorded.GradientsDigest)
            return "The reduced gradients differ from the record.";
        if (replica.Digest() != recorded.UpdatedDigest)
            return "The updated state differs from the record.";
        return null;
    }
}
