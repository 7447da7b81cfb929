using System.Diagnostics;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

public sealed partial class TrainingSession
{
    /// <summary>The switch was agreed in the commit of the step just completed: this is the boundary, here and everywhere.</summary>
    private bool SwitchAtBoundary(MigrationAttempt attempt)
    {
        var boundary = Now();
        NoteAgreed(attempt, _replica!.Step);
        return attempt.Role == MigrationRole.Leaver ? Leave(attempt) : Regroup(boundary, attempt);
    }

    /// <summary>Sends the state to the joiner; it stays intact here until the session is disposed.</summary>
    private bool Leave(MigrationAttempt attempt)
    {
        var joiner = attempt.Request.Moves.First(move => move.Leaver == _machine).Joiner;
        try
        {
            using var deadline = new CancellationTokenSource(_options.SwitchDeadline);
            SendStateAsync(attempt, joiner, deadline.Token).GetAwaiter().GetResult();
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            Park(new GroupFailure(FailureKind.PeerReset, null, joiner, $"The state did not reach {joiner}: {failure.Message}", Now()));
        }

        TellAgreement();
        SetPhase(SessionPhase.Left);
        return false;
    }

    /// <summary>
    /// The one way out of a stop, agreed or not. The joiners' word that they hold the state as of a boundary is the signal to switch. With the
    /// leaver lost, the survivors first exchange what they know, and the lowest of them sends the state.
    /// </summary>
    /// <returns>False when the session ends.</returns>
    private bool Regroup(long stoppedNs, MigrationAttempt? agreed = null)
    {
        var waitingSince = Now();
        var attempt = agreed;
        var phases = new List<SwitchPhase>();
        var bounded = agreed is not null;
        var reported = false;
        var decided = false;
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
                case Signal.GroupFailed failed when agreed is not null && ReferenceEquals(failed.Group, _group):
                    Park(failed.Failure);
                    continue;
                case Signal.PreparedGroupLost lost when IsCurrent(lost.Attempt):
                    Park(new GroupFailure(FailureKind.PeerReset, null, null, $"What was prepared is lost: {lost.Reason}", Now()));
                    GiveUp(lost.Attempt);
                    agreed = null;
                    bounded = false;
                    continue;
                case Signal.LeaverLost lost when IsCurrent(lost.Attempt):
                    if (reported || !lost.Attempt.Vote.Commit())
                        continue;
                    attempt = lost.Attempt;
                    reported = true;
                    bounded = true;
                    phases.Add(new SwitchPhase("detection-and-preparation", stoppedNs, Now()));
                    waitingSince = Now();
                    Guarded(attempt, () => ReportToSurvivors(attempt));
                    break;
                case Signal.MessageArrived arrived when IsCurrent(arrived.Attempt):
                    attempt = arrived.Attempt;
                    Guarded(attempt, () => Note(arrived));
                    break;
                default:
                    continue;
            }

            if (reported && attempt.AllReported && !decided && IsCurrent(attempt))
            {
                decided = true;
                Guarded(attempt, () => DecideWithSurvivors(attempt, phases, waitingSince));
            }

            if (attempt.AllJoinersHoldState)
                return SwitchOver(attempt, stoppedNs, waitingSince, phases);
        }
    }

    /// <summary>What goes wrong while regrouping parks this rank again; the thread and the state stay.</summary>
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
            if (attempt.Request.Moves.All(move => move.Joiner != machine))
                return;
            RollForwardTo(message.Step);
            attempt.StateHolders.Add(machine);
            attempt.Vote.Agree();
            NoteAgreed(attempt, message.Step);
        }
        else if (message.Kind == SwitchMessageKind.Report && attempt.Survivors.FirstOrDefault(member => member.Machine == machine) is { } member)
        {
            attempt.Reports[member.Rank] = new StepReport(member.Rank, message.Step, message.EnteredCommit, message.AgreedGeneration);
        }
    }

    private void ReportToSurvivors(MigrationAttempt attempt)
    {
        var agreedGeneration = attempt.Vote.IsAgreed ? attempt.Request.Generation : 0;
        var report = new SwitchMessage(SwitchMessageKind.Report, attempt.Request.Generation, _replica!.Step, _enteredCommit, agreedGeneration);
        attempt.Reports[_rank!.Value] = new StepReport(_rank.Value, report.Step, report.EnteredCommit, report.AgreedGeneration);
        foreach (var member in attempt.Survivors.Where(member => member.Machine != _machine))
            attempt.Prepared!.Send(member.Machine, report.Encode());
    }

    private void DecideWithSurvivors(MigrationAttempt attempt, List<SwitchPhase> phases, long since)
    {
        var outcome = StepAgreement.Decide(attempt.Reports.Values, attempt.Request.Generation);
        RollForwardTo(outcome.CompletedSteps);
        phases.Add(new SwitchPhase("agreement", since, Now()));
        attempt.Vote.Agree();
        NoteAgreed(attempt, outcome.CompletedSteps);

        // Data-parallel ranks hold equal state: the lowest surviving one is the source. A joiner that holds the state already takes no second copy.
        if (attempt.Survivors.MinBy(member => member.Rank)!.Machine != _machine)
            return;
        foreach (var move in attempt.Request.Moves.Where(move => !attempt.StateHolders.Contains(move.Joiner)))
            _ = SendAsSourceAsync(attempt, move.Joiner);
    }

    private async Task SendAsSourceAsync(MigrationAttempt attempt, string joiner)
    {
        try
        {
            await SendStateAsync(attempt, joiner, attempt.Dropped).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Dropped, or the joiner held the state already and the switch went on.
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            _inbox.Post(new Signal.PreparedGroupLost(attempt, $"The state did not reach {joiner}: {failure.Message}"));
        }
    }

    private Task<long> SendStateAsync(MigrationAttempt attempt, string joiner, CancellationToken ct)
    {
        var prepared = attempt.Prepared!;
        prepared.Send(joiner, new SwitchMessage(SwitchMessageKind.Boundary, attempt.Request.Generation, _replica!.Step).Encode());
        return prepared.SendStateAsync(joiner, 0, Regions(_replica), ct);
    }

    /// <summary>Applies the update of the last step when its commit was only entered here, and passed elsewhere.</summary>
    private void RollForwardTo(long completedSteps)
    {
        var replica = _replica!;
        if (replica.Step == completedSteps)
            return;
        if (replica.Step != completedSteps - 1 || !_enteredCommit)
            throw new StepAgreementException($"{_machine} completed {replica.Step} steps and cannot roll forward to {completedSteps}.");

        var started = Now();
        var step = replica.Step;
        var ranks = _group!.Topology.Size;
        replica.ApplyUpdate(step, Math.Sqrt(replica.SquaredNorm(ranks)) / ranks, ranks);
        _enteredCommit = false;
        CompleteStep(step, started);
    }

    private void NoteAgreed(MigrationAttempt attempt, long boundary)
    {
        if (attempt.AgreementRaised)
            return;
        attempt.AgreementRaised = true;
        _untoldAgreement = new SwitchAgreed(boundary) { Job = attempt.Request.JobName, Generation = attempt.Request.Generation, Migration = attempt.Request.Migration };
    }

    /// <summary>Reports cost time on the very cores that the pause waits for, and nobody acts on this one: it is told when training goes on, or cannot.</summary>
    private void TellAgreement()
    {
        if (_untoldAgreement is not { } agreement)
            return;
        _untoldAgreement = null;
        Raise(agreement);
    }

    private bool SwitchOver(MigrationAttempt attempt, long stoppedNs, long waitingSince, List<SwitchPhase> phases, long stateBytes = 0)
    {
        var connecting = Now();
        phases.Add(new SwitchPhase("state-transfer", phases.Count > 0 ? phases[^1].EndMonotonicNs : waitingSince, connecting));
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            deadline.CancelAfter(_options.SwitchDeadline);
            var (group, counts) = attempt.Prepared!.SwitchoverAsync(deadline.Token).GetAwaiter().GetResult();
            phases.Add(new SwitchPhase("connections", connecting, Now()));
            lock (_gate)
                _attempt = null;
            Adopt(group);
            _finished = false;
            _enteredCommit = false;
            _pendingSwitch = new PendingSwitch(
                attempt, stoppedNs, _replica!.Step, counts, attempt.Prepared.Plan.For(_machine), stateBytes, phases);
            attempt.Drop();
            return true;
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

    private static List<MemoryRegion> Regions(Replica replica) => [.. replica.StateRegions.Select(region => new MemoryRegion(region.Address, region.Bytes))];
}
