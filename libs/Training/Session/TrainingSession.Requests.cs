using TrainMover.Collectives;

namespace TrainMover.Training.Session;

public sealed partial class TrainingSession
{
    /// <summary>
    /// Hands in a request. It is answered by events: what it asks for, or <see cref="RequestRefused"/>. A repeat (same id) is answered again
    /// with the same events and does nothing else, but a refused one is judged anew.
    /// </summary>
    public void Submit(SessionRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested)
                return;
            var key = KeyOf(request);
            if (TellAgain(key))
            {
                if (_attempt is { } begun && KeyOf(begun.Request) == key)
                    begun.Ordered = true;
                return;
            }

            _ledger.Accept(key);
            var refusal = request switch
            {
                StartRequest start => Start(start),
                WarmUpRequest warmUp => WarmUp(warmUp),
                ArmRequest arm => Arm(arm),
                PrepareRequest prepare => Prepare(prepare, _arming?.Holds(prepare) == true ? _armed : null),
                SwitchRequest order => Switch(order),
                AbortRequest abort => Abort(abort),
                _ => $"Requests of type {request.GetType().Name} are unknown here.",
            };
            if (refusal is not null)
                Refuse(request, refusal);
        }
    }

    private static string KeyOf(SessionRequest request) =>
        $"{request.JobName}/{request.Generation}/{request.GetType().Name}/{request.Id}/{(request is SwitchRequest { LeaverLost: true } ? "lost" : "")}";

    private void Refuse(SessionRequest request, string reason)
    {
        var migration = request switch
        {
            PrepareRequest prepare => prepare.Migration,
            SwitchRequest order => order.Migration,
            AbortRequest abort => abort.Migration,
            _ => null,
        };
        _ledger.Forget(KeyOf(request));
        Raise(new RequestRefused(request.Id, reason) { Job = request.JobName, Generation = request.Generation, Migration = migration });
    }

    private string? Start(StartRequest request)
    {
        if (_phase is not (SessionPhase.Idle or SessionPhase.Warm))
            return $"This session is {_phase} with job {_job?.Name}, generation {_generation}.";
        if (request.Topology.RanksOf(_machine).Count == 0)
            return $"{request.Topology} has no rank for {_machine}.";

        Disarm();
        _phase = SessionPhase.Training;
        _generation = request.Generation;
        StartThread($"train {request.JobName}", () => TrainFromStart(request));
        return null;
    }

    private string? WarmUp(WarmUpRequest request)
    {
        if (_phase is not (SessionPhase.Idle or SessionPhase.Warm))
            return $"This session is {_phase} with job {_job?.Name}: it cannot warm up.";
        InBackground(() => RunWarmUpAsync(request));
        return null;
    }

    /// <param name="request">What to prepare.</param>
    /// <param name="armed">The connections with the standby where the plan was held before its cause; else null.</param>
    /// <param name="turn">Null where the control plane decided it. Where the end of a peer's process did: what the preparation waits for, and on whose thread it goes on.</param>
    private string? Prepare(PrepareRequest request, ArmedLinks? armed, Task? turn = null)
    {
        if (request.Generation <= _generation)
            return $"Generation {request.Generation} is not newer than the current one, {_generation}.";
        if (_droppedGenerations.Contains(request.Generation))
            return $"Generation {request.Generation} was dropped here.";
        if (RefusalOfRole(request) is { } wrongRole)
            return wrongRole;
        if (_phase == SessionPhase.Left)
            Return();
        if (_attempt is { } earlier)
        {
            // What was begun without the control plane gives way to what it decided.
            if (earlier.Request.Generation >= request.Generation && earlier.Ordered)
                return $"Generation {earlier.Request.Generation} is being prepared, which is not older than {request.Generation}.";
            if (earlier.Vote.Withdraw() is not Withdrawal.Done)
                return $"The switch to generation {earlier.Request.Generation} is under way.";
            Forget(earlier);
            Raise(new MigrationDropped { Job = earlier.Request.JobName, Generation = earlier.Request.Generation, Migration = earlier.Request.Migration });
        }

        if (_lost is { } lost && !HasReached(request.From))
            Forget(lost);
        if (armed is null)
            Disarm();
        var attempt = new MigrationAttempt(request, _machine) { Armed = armed, Ordered = turn is null };
        if (armed is not null)
            HandFollowingTo(attempt);
        _attempt = attempt;
        if (attempt.Role == MigrationRole.Joiner)
            _phase = SessionPhase.Joining;
        _preparing = RunPreparationAsync(attempt, _preparing, turn);
        KeepInBackground(_preparing);
        return null;
    }

    /// <summary>A leaver whose joiner was lost, or who is wanted again, joins like any other machine: what it had of the generation that it left is over. The caller holds the gate.</summary>
    private void Return()
    {
        if (_attempt is { } left)
            Forget(left);
        if (_groups is { } old)
            CloseLater(old);
        (_groups, _generation) = (null, 0);
        _finished = false;
    }

    private string? RefusalOfRole(PrepareRequest request)
    {
        if (request.RoleOf(_machine) == MigrationRole.Joiner)
        {
            return _phase is SessionPhase.Idle or SessionPhase.Warm or SessionPhase.Joining or SessionPhase.Left || IsRetained
                ? null
                : $"This session is {_phase} with job {_job?.Name}: it cannot join.";
        }

        if (HasReached(request.From))
            return null;
        if (_phase == SessionPhase.Finished && request.Expected)
            return "The job is finished: nobody needs to move.";
        if (_groups is null || _phase is not (SessionPhase.Training or SessionPhase.Parked or SessionPhase.Finished))
            return $"This session is {_phase}: it has no groups to prepare.";
        return _job?.Name != request.JobName || _groups.Topology.Generation != request.From.Generation
            ? $"This session trains {_job?.Name} generation {_groups.Topology.Generation}, not {request.JobName} generation {request.From.Generation}."
            : null;
    }

    private string? Switch(SwitchRequest request)
    {
        // Those who were prepared without their leaver did not wait for this word, and nobody may have heard what they said before the plan was known.
        if (request.LeaverLost && request.Generation == _generation)
        {
            if (_unasked is { } key)
                TellAgain(key);
            return null;
        }

        if (request.Generation <= _generation)
            return $"Generation {request.Generation} is not newer than the current one, {_generation}.";
        if (_attempt is not { IsReady: true } attempt || attempt.Request.Generation != request.Generation)
            return $"Generation {request.Generation} is not prepared here.";
        if (request.LeaverLost && attempt.Role == MigrationRole.Leaver)
            return "This machine is the leaver, and lives.";

        if (!request.LeaverLost)
        {
            attempt.Vote.Order();
            _inbox.Post(new Signal.SwitchOrdered(attempt));
            return null;
        }

        SwitchWithoutLeaver(attempt);
        return null;
    }

    /// <summary>Says again all that a request was answered with; false where it is not known. The caller holds the gate.</summary>
    private bool TellAgain(string key)
    {
        if (_ledger.Find(key) is not { } answers)
            return false;
        foreach (var answer in answers)
            _events.Writer.TryWrite(answer);
        if (_unasked == key)
            _unasked = null;
        return true;
    }

    /// <summary>The old generation is given up, and the survivors agree with each other; the caller holds the gate.</summary>
    private void SwitchWithoutLeaver(MigrationAttempt attempt)
    {
        if (attempt.Role == MigrationRole.Stayer)
        {
            var leavers = string.Join(", ", attempt.Request.Moves.Select(move => move.Leaver));
            _groups!.Fail(new GroupFailure(FailureKind.Ordered, null, attempt.Request.Moves[0].Leaver, $"The switch goes on without {leavers}.", Now()));
        }

        attempt.LoseLeaver();
        _inbox.Post(new Signal.LeaverLost(attempt));
    }

    /// <summary>A machine is prepared. Where the leaver is lost nobody waits for the order to switch: the last word that was missing is as good.</summary>
    private void NoteReady(MigrationAttempt attempt, string machine)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_attempt, attempt) && !attempt.Request.Expected && attempt.ReadyMachines.Add(machine)
                && attempt.Request.To.Machines.All(attempt.ReadyMachines.Contains))
                SwitchWithoutLeaver(attempt);
        }
    }

    private string? Abort(AbortRequest request)
    {
        if (request.Generation <= _generation)
            return $"Generation {_generation} is reached: the switch to {request.Generation} is done.";
        if (_lost is { } lost && lost.Request.Generation == request.Generation)
        {
            if (lost.Vote.IsAgreed)
                return "The switch is agreed.";
            Forget(lost);
        }

        if (_attempt is not { } attempt || attempt.Request.Generation != request.Generation)
        {
            // Never prepared here: the promise not to vote holds all the same.
            _droppedGenerations.Add(request.Generation);
            Raise(new MigrationDropped { Job = request.JobName, Generation = request.Generation, Migration = request.Migration }, KeyOf(request));
            return null;
        }

        switch (attempt.Vote.Withdraw())
        {
            case Withdrawal.Done:
                attempt.Ordered = true;
                Forget(attempt);
                Raise(new MigrationDropped { Job = request.JobName, Generation = request.Generation, Migration = request.Migration }, KeyOf(request));
                return null;
            case Withdrawal.Pending:
                attempt.PendingAbort = request;
                return null;
            default:
                return "The switch is agreed, or may be agreed by another member.";
        }
    }

    /// <summary>Drops what an attempt prepared; the caller holds the gate and has its vote withdrawn.</summary>
    private void Forget(MigrationAttempt attempt)
    {
        // What nobody ordered was not promised to anybody: an order is judged anew.
        if (attempt.Ordered)
            _droppedGenerations.Add(attempt.Request.Generation);
        else
            _ledger.Forget(KeyOf(attempt.Request));
        if (ReferenceEquals(_attempt, attempt))
            _attempt = null;
        if (ReferenceEquals(_lost, attempt))
            _lost = null;
        if (attempt.Role == MigrationRole.Joiner)
            _phase = _warm.IsWarm ? SessionPhase.Warm : SessionPhase.Idle;
        attempt.Drop();
        _inbox.Post(new Signal.AttemptDropped(attempt));
        if (attempt.Prepared is { } prepared)
            Abort(prepared);
    }

    // What is prepared next waits for it: a machine has one next generation at a time.
    private void Abort(PreparedGroups prepared)
    {
        _preparing = AbortAsync(prepared, _preparing);
        KeepInBackground(_preparing);
    }

    private static async Task AbortAsync(PreparedGroups prepared, Task earlier)
    {
        await earlier.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await prepared.AbortAsync().ConfigureAwait(false);
    }

    // Not with the gate held: a bootstrap connection that is being lost waits for the gate, and whoever closes it for the connection.
    private void CloseLater(IAsyncDisposable closed) => InBackground(() => closed.DisposeAsync().AsTask());

    private void InBackground(Func<Task> run) => KeepInBackground(Task.Run(run));

    private void KeepInBackground(Task started)
    {
        var earlier = _background;
        _background = Task.WhenAll(earlier, started);
    }
}
