using TrainMover.Collectives;

namespace TrainMover.Training.Session;

public sealed partial class TrainingSession
{
    private ICommunicator? _communicator;
    private PendingSwitch? _pendingSwitch;
    private SwitchAgreed? _untoldAgreement;
    private bool _recordFirstStep;
    private bool _enteredCommit;
    private bool _finished;

    /// <summary>A switch whose first step is not completed yet.</summary>
    private sealed record PendingSwitch(
        MigrationAttempt Attempt, long StoppedNs, long ResumedStep, ConnectionCounts Connections, ConnectionCounts Planned, long StateBytes, List<SwitchPhase> Phases)
    {
        public long ResumedNs { get; set; }
    }

    private void TrainFromStart(StartRequest request)
    {
        try
        {
            // A replica that has run a shadow iteration is not at step 0 any more.
            _replica?.Dispose();
            _replica = null;
            var replica = EnsureReplica(request.Job, out _);
            if (request.Rank == 0)
            {
                Directory.CreateDirectory(request.Job.Directory);
                Checkpoint.Save(request.Job.CheckpointFile, replica, request.JobName);
                _recordFirstStep = true;
            }

            Adopt(_endpoint.CreateGroupsAsync(request.Topology, _stopping.Token).GetAwaiter().GetResult());
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            lock (_gate)
            {
                _phase = SessionPhase.Idle;
                _generation = 0;
                _rank = null;
                if (!_stopping.IsCancellationRequested)
                    Refuse(request, $"Training did not start: {failure.Message}");
            }

            return;
        }

        Train();
    }

    private void Adopt(MachineGroups group)
    {
        group.Failed += failure => _inbox.Post(new Signal.GroupFailed(group, failure));
        var communicator = group[group.Ranks[0]].DataParallel;
        _communicator = _options.Instrument?.Invoke(communicator) ?? communicator;
        lock (_gate)
        {
            _group = group;
            _generation = group.Topology.Generation;
            _rank = group.Ranks[0];
            _phase = SessionPhase.Training;
        }

        if (_stopping.IsCancellationRequested)
            group.Fail(new GroupFailure(FailureKind.Ordered, null, null, $"The session on {_machine} was ended.", Now()));
    }

    /// <summary>Trains as a member of the current group until the session ends or the rank is given away.</summary>
    private void Train()
    {
        while (!_stopping.IsCancellationRequested)
        {
            GroupFailure failure;
            try
            {
                if (_replica!.Step >= _job!.Recipe.Steps ? Finish() : TrainOneStep())
                    continue;
                return;
            }
            catch (CollectiveException failed)
            {
                failure = failed.Failure;
            }
            catch (Exception broken) when (broken is not OutOfMemoryException)
            {
                // Peers must not wait for a rank that cannot compute.
                failure = new GroupFailure(FailureKind.Ordered, _rank, _machine, $"{_machine} cannot go on: {broken.Message}", Now());
                _group!.Fail(failure);
            }

            if (_stopping.IsCancellationRequested || !Regroup(Park(failure)))
                return;
        }
    }

    private bool TrainOneStep()
    {
        var replica = _replica!;
        var step = replica.Step;
        var started = Now();
        if (_pendingSwitch is { ResumedNs: 0 } resuming)
            resuming.ResumedNs = started;
        _enteredCommit = false;

        MigrationAttempt? agreed = null;
        if (_recordFirstStep && step == 0)
        {
            var recorded = StepRecorder.TrainStep(
                _job!.Name, replica, _corpus!, new DataParallelGroups(_communicator!), new HashSet<GroupRole> { GroupRole.DataParallel }, CommitUnvoted);
            _recordFirstStep = false;
            lock (_gate)
                InBackground(() => Task.Run(() => SaveRecord(recorded.Record)));
        }
        else
        {
            StepProtocol.TrainStep(replica, _corpus!, new DataParallelGroups(_communicator!), commit => CommitWithVote(commit, out agreed));
        }

        _enteredCommit = false;
        CompleteStep(step, started);
        return agreed is null || SwitchAtBoundary(agreed);
    }

    private void SaveRecord(StepRecord? record)
    {
        string? failure = null;
        try
        {
            record?.Save(_job!.RecordDirectory);
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException)
        {
            failure = broken.Message;
        }

        Raise(new FirstStepRecorded(record is null ? "The first step did not pass its commit." : failure) { Job = _job!.Name, Generation = _generation });
    }

    // A shadow iteration votes for nothing, so the step that it is compared with must not either.
    private CommitVerdict CommitUnvoted(StepCommit commit)
    {
        _enteredCommit = true;
        return StepProtocol.Commit(commit);
    }

    private CommitVerdict CommitWithVote(StepCommit commit, out MigrationAttempt? agreed)
    {
        agreed = null;
        MigrationAttempt? attempt;
        lock (_gate)
            attempt = _attempt is { Prepared: not null } ? _attempt : null;
        var generation = attempt?.Vote.Cast() ?? 0;
        _enteredCommit = true;
        CommitVerdict verdict;
        try
        {
            verdict = commit.Enter(new CommitBallot(Ready: true, generation));
        }
        catch (CollectiveException) when (generation > 0)
        {
            attempt!.Vote.Lost();
            AnswerPending(attempt, withdrawn: false);
            throw;
        }

        if (generation == 0)
            return verdict;
        if (verdict.AgreedGeneration == generation)
            agreed = attempt;
        AnswerPending(attempt!, withdrawn: attempt!.Vote.Settle(agreed is not null));
        return verdict;
    }

    /// <summary>Answers an abort, or a loss of the prepared group, that waited for the ballot in flight.</summary>
    private void AnswerPending(MigrationAttempt attempt, bool withdrawn)
    {
        lock (_gate)
        {
            var request = attempt.PendingAbort;
            var loss = attempt.PendingLoss;
            attempt.PendingAbort = null;
            attempt.PendingLoss = null;
            if (withdrawn && loss is not null)
                LosePreparation(attempt, loss);
            else if (withdrawn)
                Forget(attempt);
            else if (loss is not null)
                _inbox.Post(new Signal.PreparedGroupLost(attempt, loss));

            if (request is null)
                return;
            if (withdrawn)
                Raise(new MigrationDropped { Job = request.JobName, Generation = request.Generation, Migration = request.Migration }, KeyOf(request));
            else
                Refuse(request, "The ballot that was in flight may have agreed on the switch.");
        }
    }

    private void CompleteStep(long step, long started)
    {
        var now = Now();
        Interlocked.Exchange(ref _completedSteps, _replica!.Step);
        Raise(new StepDone(_group!.Ranks[0], step, _replica.ReducedLoss(_group.Topology.Size), Milliseconds(started, now), now) { Job = _job!.Name, Generation = _generation });
        CompleteSwitch();
    }

    private void CompleteSwitch()
    {
        if (_pendingSwitch is not { } pending)
            return;
        _pendingSwitch = null;
        TellAgreement();
        var request = pending.Attempt.Request;
        pending.Phases.Add(new SwitchPhase("first-compute", pending.ResumedNs, Now()));
        Raise(
            new SwitchDone(_group!.Ranks[0], pending.StoppedNs, pending.ResumedNs, pending.ResumedStep, 0, pending.Connections, pending.Planned, pending.StateBytes, 0, pending.Phases)
            {
                Job = request.JobName,
                Generation = request.Generation,
                Migration = request.Migration,
            });
        pending.Attempt.Dispose();
    }

    private long Park(GroupFailure failure)
    {
        TellAgreement();
        lock (_gate)
        {
            _phase = SessionPhase.Parked;
            Raise(new TrainingParked(_replica!.Step, failure.Kind.ToString(), failure.SuspectMachine, failure.Detail, failure.AtMonotonic)
            {
                Job = _job!.Name,
                Generation = _generation,
                Migration = _attempt?.Request.Migration,
            });
        }

        return failure.AtMonotonic;
    }

    /// <summary>All ranks reach the end together; then the session waits, since a peer that was lost at the very end is still replaced.</summary>
    private bool Finish()
    {
        if (!_finished)
        {
            if (_pendingSwitch is { ResumedNs: 0 } resuming)
                resuming.ResumedNs = Now();
            _communicator!.Barrier();
            _finished = true;
            CompleteSwitch();
            lock (_gate)
            {
                _phase = SessionPhase.Finished;
                if (_attempt is { } attempt && attempt.Vote.Withdraw() == Withdrawal.Done)
                    LosePreparation(attempt, "The job is finished.");
            }

            Raise(new TrainingFinished(_group!.Ranks[0], _replica!.Step, _replica.Digest()) { Job = _job!.Name, Generation = _generation });
        }

        return Regroup(Now());
    }
}
