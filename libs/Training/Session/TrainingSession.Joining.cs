using System.Diagnostics;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

public sealed partial class TrainingSession
{
    /// <summary>
    /// A joiner waits from the moment it is prepared: whoever sends a boundary has the switch agreed, and the state follows. A sender that dies
    /// half-way is replaced by those that send a boundary after it.
    /// </summary>
    private void Join(MigrationAttempt attempt)
    {
        long? orderedAt = null;
        while (IsCurrent(attempt) && !_stopping.IsCancellationRequested)
        {
            var patience = orderedAt is { } since ? _options.SwitchDeadline - Stopwatch.GetElapsedTime(since) : (TimeSpan?)null;
            switch (_inbox.Take(patience))
            {
                case null:
                    orderedAt = null;
                    WaitOn(new GroupFailure(FailureKind.DeadlineExceeded, null, null, $"No state came within {_options.SwitchDeadline}.", Now()));
                    break;
                case Signal.Stopped:
                    return;
                case Signal.AttemptDropped dropped when ReferenceEquals(dropped.Attempt, attempt):
                    return;
                case Signal.SwitchOrdered ordered when ReferenceEquals(ordered.Attempt, attempt):
                    orderedAt ??= Now();
                    Guarded(attempt, () => EnsureGroups(attempt));
                    break;
                case Signal.LeaverLost lost when ReferenceEquals(lost.Attempt, attempt):
                    orderedAt = Now();
                    Guarded(attempt, () => EnsureGroups(attempt));
                    break;
                case Signal.PreparedGroupLost lost when ReferenceEquals(lost.Attempt, attempt):
                    Park(new GroupFailure(FailureKind.PeerReset, null, null, $"What was prepared is lost: {lost.Reason}", Now()));
                    GiveUp(attempt);
                    return;
                case Signal.MessageArrived { Message.Kind: SwitchMessageKind.Boundary } arrived when ReferenceEquals(arrived.Attempt, attempt):
                    if (TakeRanks(attempt, arrived.Machine, arrived.Message))
                    {
                        Train();
                        return;
                    }

                    break;
                case Signal.MessageArrived { Message.Kind: SwitchMessageKind.StateHeld } arrived when ReferenceEquals(arrived.Attempt, attempt):
                    // Another joiner may hold its state before this one has heard of the boundary.
                    attempt.StateHolders.Add(arrived.Machine);
                    break;
                default:
                    break;
            }
        }
    }

    private void WaitOn(GroupFailure failure)
    {
        Park(failure);
        SetPhase(SessionPhase.Joining);
    }

    private bool TakeRanks(MigrationAttempt attempt, string sender, SwitchMessage boundary)
    {
        if (!attempt.Vote.Commit())
            return false;

        var stopped = Now();
        attempt.Vote.Agree();
        NoteAgreed(attempt, boundary.Step);
        long bytes;
        try
        {
            EnsureReplicas(attempt.Request.Job, attempt.Request.To.RanksOf(_machine));
            if (TakeState(attempt, sender, boundary) is not { } taken)
                return false;
            bytes = taken;
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // The next boundary may bring it; that this one did not is told, or nobody could say why the job stands still.
            WaitOn(new GroupFailure(FailureKind.PeerReset, null, null, $"The state as of step {boundary.Step} did not arrive: {failure.Message}", Now()));
            return false;
        }

        var held = boundary.Followed ? attempt.Followers!.Held : _local!.All.Select(_ => (HeldUpdate?)null);
        foreach (var (rank, update) in _local!.All.Zip(held))
        {
            (rank.Replica.Step, rank.Held) = (update?.Step ?? boundary.Step, update);
            (rank.LastTotals, rank.Replica.AwaitsParameters, rank.StepStarted) = (boundary.Totals, boundary.AwaitsParameters, null);
        }

        Interlocked.Exchange(ref _completedSteps, boundary.Step);
        attempt.Source = boundary.Source;
        attempt.StateHolders.Add(_machine);
        var word = boundary with { Kind = SwitchMessageKind.StateHeld };
        foreach (var machine in attempt.Request.To.Machines.Where(machine => machine != _machine))
            attempt.Prepared!.Send(machine, word.Encode());
        attempt.StateBytes = bytes;
        // A joiner that holds its state waits for the others, as the survivors do.
        return attempt.AllJoinersHoldState ? SwitchOver(attempt, stopped, stopped, []) : Regroup(stopped, attempt);
    }

    /// <summary>The bytes that came; null when other senders are still to be heard.</summary>
    private long? TakeState(MigrationAttempt attempt, string sender, SwitchMessage boundary)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        deadline.CancelAfter(_options.SwitchDeadline);
        switch (boundary.Source)
        {
            case SessionStateSource.Leaver:
                using (var ended = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, attempt.LeaverGone))
                {
                    if (boundary.Followed)
                        return attempt.Followers!.Complete(boundary.Step, ended.Token);
                    attempt.StopFollowing();
                    return ReceiveAsync(attempt, StateRoutes.FromLeaver(attempt.Request, attempt.Request.Moves.First(move => move.Joiner == _machine)), ended.Token)
                        .GetAwaiter().GetResult();
                }

            case SessionStateSource.Peers when boundary.Followed:
                return (attempt.Followers ?? throw new GroupSetupException($"{_machine} does not follow {sender}.", sender))
                    .Complete(boundary.Step, deadline.Token);
            case SessionStateSource.Peers:
                attempt.StopFollowing();
                attempt.Boundaries.Add(sender);
                var routes = StateRoutes.FromSurvivors(attempt.Request)!.Where(route => route.Joiner == _machine).ToList();
                if (!routes.TrueForAll(route => attempt.Boundaries.Contains(route.Source)))
                    return null;
                return ReceiveAsync(attempt, routes, deadline.Token).GetAwaiter().GetResult();
            default:
                attempt.StopFollowing();
                _local!.Run(rank =>
                {
                    CheckpointStore.Load(_job!, boundary.Step, rank.Rank, rank.Replica);
                    return true;
                });
                return 0;
        }
    }
}
