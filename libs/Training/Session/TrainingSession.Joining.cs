using System.Diagnostics;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

public sealed partial class TrainingSession
{
    /// <summary>
    /// A joiner waits from the moment it is prepared: whoever sends a boundary has the switch agreed, and the state follows. A sender that dies
    /// half-way is replaced by the next one that sends a boundary.
    /// </summary>
    private void Join(MigrationAttempt attempt)
    {
        long? orderedAt = null;
        while (true)
        {
            var patience = orderedAt is { } since ? _options.SwitchDeadline - Stopwatch.GetElapsedTime(since) : (TimeSpan?)null;
            switch (_inbox.Take(patience))
            {
                case null:
                    orderedAt = null;
                    Park(new GroupFailure(FailureKind.DeadlineExceeded, null, null, $"No state came within {_options.SwitchDeadline}.", Now()));
                    SetPhase(SessionPhase.Joining);
                    break;
                case Signal.Stopped:
                    return;
                case Signal.AttemptDropped dropped when ReferenceEquals(dropped.Attempt, attempt):
                    return;
                case Signal.SwitchOrdered ordered when ReferenceEquals(ordered.Attempt, attempt):
                    orderedAt ??= Now();
                    break;
                case Signal.LeaverLost lost when ReferenceEquals(lost.Attempt, attempt):
                    orderedAt = Now();
                    break;
                case Signal.PreparedGroupLost lost when ReferenceEquals(lost.Attempt, attempt):
                    GiveUp(attempt);
                    Park(new GroupFailure(FailureKind.PeerReset, null, null, $"What was prepared is lost: {lost.Reason}", Now()));
                    return;
                case Signal.MessageArrived { Message.Kind: SwitchMessageKind.Boundary } arrived when ReferenceEquals(arrived.Attempt, attempt):
                    if (TakeRank(attempt, arrived.Machine, arrived.Message.Step))
                    {
                        Train();
                        return;
                    }

                    break;
                default:
                    break;
            }
        }
    }

    private bool TakeRank(MigrationAttempt attempt, string sender, long boundary)
    {
        if (!attempt.Vote.Commit())
            return false;

        var stopped = Now();
        attempt.Vote.Agree();
        NoteAgreed(attempt, boundary);
        long bytes;
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            deadline.CancelAfter(_options.SwitchDeadline);
            var fromLeaver = attempt.Request.Moves.Any(move => move.Leaver == sender);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, fromLeaver ? attempt.LeaverGone : CancellationToken.None);
            bytes = attempt.Prepared!.ReceiveStateAsync(sender, 0, Regions(_replica!), ended.Token).GetAwaiter().GetResult();
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            TellAgreement();
            return false;
        }

        _replica!.Step = boundary;
        Interlocked.Exchange(ref _completedSteps, boundary);
        var held = new SwitchMessage(SwitchMessageKind.StateHeld, attempt.Request.Generation, boundary).Encode();
        foreach (var member in attempt.Request.To.Members.Where(member => member.Machine != _machine))
            attempt.Prepared.Send(member.Machine, held);
        return SwitchOver(attempt, stopped, stopped, [], bytes);
    }
}
