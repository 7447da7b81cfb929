using System.Diagnostics;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

public sealed partial class TrainingSession
{
    private PendingSwitch? _pendingSwitch;

    /// <summary>The switch was agreed in the commit of the step: this is the boundary, here and everywhere. The step's update is held until the switch is done.</summary>
    private bool SwitchAtBoundary(MigrationAttempt attempt, GroupFailure? failure)
    {
        var boundary = Now();
        NoteAgreed(attempt, _local!.First.CompletedSteps);
        if (attempt.Role == MigrationRole.Leaver)
            return Leave(attempt);
        if (failure is not null)
            Park(failure);
        return Regroup(boundary, attempt);
    }

    /// <summary>Hands the state to the joiner; it stays intact here until the session is disposed. An update that the joiner holds is the joiner's to apply.</summary>
    private bool Leave(MigrationAttempt attempt)
    {
        var joiner = attempt.Request.Moves.First(move => move.Leaver == _machine).Joiner;
        try
        {
            EnsureGroups(attempt);
            using var deadline = new CancellationTokenSource(_options.SwitchDeadline);
            SendState(attempt, joiner, deadline.Token);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            Park(new GroupFailure(FailureKind.PeerReset, null, joiner, $"The state did not reach {joiner}: {failure.Message}", Now()));
        }

        _local!.Run(_ =>
        {
            ProcessorTurn.AskForMuch();
            return true;
        });
        TellHeldBack();
        SetPhase(SessionPhase.Left);
        return false;
    }

    /// <summary>
    /// The one way out of a stop, agreed or not. The joiners' word that they hold the state as of a boundary is the signal to switch. With the
    /// leaver lost, the survivors first exchange what they know, and those who hold copies send the state.
    /// </summary>
    /// <returns>False when the session ends.</returns>
    private bool Regroup(long stoppedNs, MigrationAttempt? agreed = null)
    {
        ProcessorTurn.AskForNow();
        var waitingSince = Now();
        var (attempt, entered) = (agreed, agreed);
        var phases = new List<SwitchPhase>();
        var bounded = agreed is not null;
        if (agreed is not null)
            Guarded(agreed, () => EnsureGroups(agreed));
        while (true)
        {
            var patience = bounded ? _options.SwitchDeadline - Stopwatch.GetElapsedTime(waitingSince) : (TimeSpan?)null;
            switch (_inbox.Take(patience))
            {
                case null:
                    bounded = false;
                    Park(new GroupFailure(FailureKind.DeadlineExceeded, null, null, $"No joiner holds the state after {_options.SwitchDeadline}.", Now()));
                    continue;
                case Signal.Stopped:
                    return false;
                case Signal.GroupFailed failed when agreed is not null && ReferenceEquals(failed.Groups, _groups):
                    Park(failed.Failure);
                    continue;
                case Signal.PreparedGroupLost lost when IsCurrent(lost.Attempt):
                    Retain(lost.Attempt);
                    Park(new GroupFailure(FailureKind.PeerReset, null, null, $"What was prepared is lost: {lost.Reason}", Now()));
                    agreed = null;
                    bounded = false;
                    phases.Clear();
                    continue;
                case Signal.AttemptDropped dropped when _groups is null && ReferenceEquals(dropped.Attempt, entered):
                    return false;
                case Signal.LeaverLost lost when IsCurrent(lost.Attempt):
                    if (lost.Attempt.Reported || !lost.Attempt.Vote.Commit())
                        continue;
                    attempt = lost.Attempt;
                    attempt.Reported = true;
                    bounded = true;
                    phases.Add(new SwitchPhase("detection-and-preparation", stoppedNs, Now()));
                    waitingSince = Now();
                    Guarded(attempt, () =>
                    {
                        EnsureGroups(attempt);
                        ReportToSurvivors(attempt);
                    });
                    break;
                case Signal.MessageArrived arrived when IsCurrent(arrived.Attempt):
                    attempt = arrived.Attempt;
                    Guarded(attempt, () => Note(arrived));
                    break;
                default:
                    continue;
            }

            if (attempt.Reported && attempt.AllReported && !attempt.Decided && IsCurrent(attempt))
            {
                attempt.Decided = true;
                Guarded(attempt, () => DecideWithSurvivors(attempt, phases, waitingSince));
            }

            if (attempt.AllJoinersHoldState)
                return SwitchOver(attempt, stoppedNs, waitingSince, phases);
        }
    }

    /// <summary>What goes wrong while regrouping parks this machine again; threads and state stay.</summary>
    private void Guarded(MigrationAttempt attempt, Action act)
    {
        try
        {
            act();
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            Park(new GroupFailure(FailureKind.ProtocolViolation, null, null, failure.Message, Now()));
            GiveUp(attempt);
        }
    }

    private bool IsCurrent(MigrationAttempt attempt)
    {
        lock (_gate)
            return ReferenceEquals(_attempt, attempt);
    }

    private void GiveUp(MigrationAttempt attempt)
    {
        lock (_gate)
            Forget(attempt);
    }

    private void Note(Signal.MessageArrived arrived)
    {
        var (attempt, machine, message) = (arrived.Attempt, arrived.Machine, arrived.Message);
        if (message.Kind == SwitchMessageKind.StateHeld)
        {
            if (attempt.Request.RoleOf(machine) != MigrationRole.Joiner)
                return;
            // A joiner's word may come before that of the machine that named the checkpoint.
            if (message.Source == SessionStateSource.Checkpoint)
                LoadCheckpoint(attempt, message.Step);
            else
                RollForwardTo(message.Step, message.Totals);
            attempt.StateHolders.Add(machine);
            attempt.Source = message.Source;
            attempt.Vote.Agree();
            NoteAgreed(attempt, message.Step);
        }
        else if (message.Kind == SwitchMessageKind.Report && attempt.Survivors.FirstOrDefault(member => member.Rank == message.Rank && member.Machine == machine) is { } member)
        {
            attempt.Reports[member.Rank] = new StepReport(member.Rank, message.Step, message.EnteredCommit, message.AgreedGeneration, message.Totals);
            if (message.Followed)
                attempt.FollowedMember = machine;
        }
        else if (message is { Kind: SwitchMessageKind.Boundary, Source: SessionStateSource.Checkpoint })
        {
            LoadCheckpoint(attempt, message.Step);
        }
    }

    private void ReportToSurvivors(MigrationAttempt attempt)
    {
        attempt.BeginSwitch();
        ApplyHeld();
        var agreedGeneration = attempt.Vote.IsAgreed ? attempt.Request.Generation : 0;
        if (attempt.Followed is { IsCaughtUp: true })
            attempt.FollowedMember = _machine;
        foreach (var rank in _local!.All)
        {
            var report = new SwitchMessage(
                SwitchMessageKind.Report, attempt.Request.Generation, rank.Replica.Step, rank.LastTotals, rank.Rank, rank.EnteredCommit, agreedGeneration,
                Followed: attempt.FollowedMember == _machine);
            attempt.Reports[rank.Rank] = new StepReport(rank.Rank, report.Step, report.EnteredCommit, report.AgreedGeneration, report.Totals);
            foreach (var machine in attempt.SurvivingMachines.Where(machine => machine != _machine))
                attempt.Prepared!.Send(machine, report.Encode());
        }
    }

    private void DecideWithSurvivors(MigrationAttempt attempt, List<SwitchPhase> phases, long since)
    {
        var outcome = StepAgreement.Decide(attempt.Reports.Values, attempt.Request.Generation);
        RollForwardTo(outcome.CompletedSteps, outcome.Totals);
        phases.Add(new SwitchPhase("agreement", since, Now()));
        attempt.Vote.Agree();
        NoteAgreed(attempt, outcome.CompletedSteps);
        ServeJoiners(attempt);
    }

    // A machine may have seen a commit pass with one rank and fail with another: the one knows what the other needs.
    private void RollForwardLocally()
    {
        var ahead = _local!.All.MaxBy(rank => rank.CompletedSteps)!;
        RollForwardTo(ahead.CompletedSteps, ahead.LastTotals);
    }

    /// <summary>Applies the update of the last step where its commit was only entered here, and passed elsewhere.</summary>
    private void RollForwardTo(long completedSteps, StepTotals? totals)
    {
        foreach (var rank in _local!.All.Where(rank => rank.CompletedSteps != completedSteps))
        {
            var (replica, step) = (rank.Replica, rank.Replica.Step);
            if (step != completedSteps - 1 || !rank.EnteredCommit || totals is not { } known)
                throw new StepAgreementException($"Rank {rank.Rank} on {_machine} completed {step} steps and cannot roll forward to {completedSteps}.");
            var started = Now();
            if (_job!.Techniques.StepRule)
                replica.ApplyUpdate(step, known.Norm, rank.Groups!.DataParallel.Size);
            else
                replica.PassOver(step);
            rank.LastTotals = known;
            CompleteStep(rank, step, started);
        }
    }

    /// <summary>What waits for a switch that has failed, or is made without the leaver, is applied first: all else builds on completed steps.</summary>
    private void ApplyHeld()
    {
        if (_local?.All.Any(rank => rank.Held is not null) != true)
            return;
        _local.Run(rank =>
        {
            ApplyHeld(rank);
            return true;
        });
    }

    private void ApplyHeld(LocalRank rank)
    {
        if (rank.Held is not { } held)
            return;
        var began = Now();
        rank.Held = null;
        held.Apply(rank.Replica);
        CompleteStep(rank, held.Step, rank.StepStarted ?? began, rank.StepStarted is null ? null : rank.Cores.End(), isBoundary: true);
    }

    // Nobody ordered what was held before its cause: when the order comes, all of it is said again.
    private static string? AnswerTo(MigrationAttempt attempt) => attempt.Ordered ? null : KeyOf(attempt.Request);

    private void NoteAgreed(MigrationAttempt attempt, long boundary)
    {
        attempt.BeginSwitch();
        if (attempt.AgreementRaised)
            return;
        attempt.AgreementRaised = true;
        lock (_gate)
            _heldBack.Add((new SwitchAgreed(boundary) { Job = attempt.Request.JobName, Generation = attempt.Request.Generation, Migration = attempt.Request.Migration }, AnswerTo(attempt)));
    }

    private void TellHeldBack()
    {
        lock (_gate)
        {
            _heldBack.ForEach(held => Raise(held.Happened, held.AnswerTo));
            _heldBack.Clear();
        }
    }

    private bool SwitchOver(MigrationAttempt attempt, long stoppedNs, long waitingSince, List<SwitchPhase> phases)
    {
        var connecting = Now();
        phases.Add(new SwitchPhase("state-transfer", phases.Count > 0 ? phases[^1].EndMonotonicNs : waitingSince, connecting));
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            deadline.CancelAfter(_options.SwitchDeadline);
            var (groups, counts) = attempt.Prepared!.Switchover(deadline.Token);
            phases.Add(new SwitchPhase("connections", connecting, Now()));
            var isJoiner = attempt.Role == MigrationRole.Joiner;
            lock (_gate)
                (_attempt, _unasked) = (null, AnswerTo(attempt));
            Adopt(groups);
            _finished = false;
            foreach (var rank in _local!.All)
                rank.EnteredCommit = false;
            attempt.Followed?.Detach();
            _pendingSwitch = new PendingSwitch(
                attempt,
                new SwitchDone(
                    groups.Ranks, stoppedNs, 0, _local.First.CompletedSteps, attempt.LostSteps, counts, attempt.Prepared.Plan.For(_machine), attempt.StateBytes, 0, phases,
                    isJoiner || attempt.Source == SessionStateSource.Checkpoint ? attempt.Source : null, attempt.FollowedBytes)
                {
                    Job = attempt.Request.JobName,
                    Generation = attempt.Request.Generation,
                    Migration = attempt.Request.Migration,
                });
            var met = MeetAfter(attempt);
            lock (_gate)
                KeepInBackground(attempt.DropDone());
            return met || Regroup(stoppedNs);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            if (_stopping.IsCancellationRequested)
                return false;
            Park(new GroupFailure(FailureKind.DeadlineExceeded, null, null, $"The switch-over failed: {failure.Message}", Now()));
            GiveUp(attempt);
            return Regroup(stoppedNs);
        }
    }

    // Nobody computes before all have switched: where machines share cores, those who are first would take them from those who are not through. Then comes the update that was held, and the exchange of what was
    // updated. A failure may have come between the two, on some ranks and not on others: all do it, since all must make the same calls.
    private bool MeetAfter(MigrationAttempt attempt)
    {
        var stops = _local!.Run(rank => FailureOf(rank, () =>
        {
            // Who leaves the meeting last finds the cores taken by those who compute already.
            ProcessorTurn.AskForNow();
            ((IRankGroups)rank.Groups!).Barrier();
            var completesStep = rank.Held is not null;
            if (completesStep || !_job!.Recipe.ShardOptimizer)
                _pendingSwitch!.Computes(rank.Rank, Now());
            ProcessorTurn.AskForMuch();
            ApplyHeld(rank);
            rank.Replica.AwaitsParameters = true;
            rank.Replica.GatherParameters(rank.Groups!);
            if (attempt.Source == SessionStateSource.Checkpoint)
                rank.Replica.RefreshBackup(rank.Groups!);
            if (completesStep)
                CheckpointIfDue(rank);
        }));
        if (stops.FirstOrDefault(failure => failure is not null) is not { } failed)
            return true;
        Park(failed);
        return false;
    }

    private void CompleteSwitch(LocalRank rank)
    {
        if (_pendingSwitch is not { } pending || pending.Step(rank.Rank, Now()) is not { } done)
            return;
        _pendingSwitch = null;
        TellHeldBack();
        Raise(done with { DeviceBytes = _meter.Allocated - pending.Attempt.AllocatedBefore, Traffic = pending.Attempt.Traffic }, AnswerTo(pending.Attempt));
    }
}
