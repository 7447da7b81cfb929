using TrainMover.Collectives;

namespace TrainMover.Training.Session;

public sealed partial class TrainingSession
{

    // Reports cost time on the very cores that the pause waits for, and nobody acts on these: they are told when training goes on, or cannot.
    private readonly List<(SessionEvent Happened, string? AnswerTo)> _heldBack = [];
    private bool _finished;

    /// <summary>Why a rank trains no further.</summary>
    private readonly record struct Stop(MigrationAttempt? Agreed, GroupFailure? Failure);

    private void TrainFromStart(StartRequest request)
    {
        ProcessorTurn.AskForMuch();
        try
        {
            // Replicas that have run a shadow iteration are not at step 0 any more.
            FreeReplicas();
            var local = EnsureReplicas(request.Job, request.Topology.RanksOf(_machine));
            local.Run(rank =>
            {
                rank.Replica.Initialize();
                CheckpointStore.SaveInitial(request.Job, rank.Rank, rank.Replica);
                return true;
            });
            Adopt(_endpoint.CreateGroupsAsync(request.Topology, _stopping.Token).GetAwaiter().GetResult());
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            lock (_gate)
            {
                _phase = SessionPhase.Idle;
                _generation = 0;
                if (!_stopping.IsCancellationRequested)
                    Refuse(request, $"Training did not start: {failure.Message}");
            }

            return;
        }

        Train();
    }

    private void Adopt(MachineGroups groups, SessionPhase phase = SessionPhase.Training)
    {
        groups.PeerReset += TakePlanWithout;
        groups.Failed += failure =>
        {
            HurryToStop(groups);
            _inbox.Post(new Signal.GroupFailed(groups, failure));
        };
        foreach (var rank in _local!.All)
            rank.Groups = new MeteredGroups(_options.Instrument?.Invoke(groups[rank.Rank]) ?? groups[rank.Rank], rank.Cores);
        lock (_gate)
        {
            _groups = groups;
            _generation = groups.Topology.Generation;
            _phase = phase;
            Disarm();
        }

        if (_stopping.IsCancellationRequested)
            groups.Fail(new GroupFailure(FailureKind.Ordered, null, null, $"The session on {_machine} was ended.", Now()));
    }

    /// <summary>Trains as a member of the current generation until the session ends or the ranks are given away.</summary>
    private void Train()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var stops = _local!.Run(TrainRank);
            if (_stopping.IsCancellationRequested)
                return;
            var agreed = stops.Select(stop => stop.Agreed).FirstOrDefault(attempt => attempt is not null);
            var failure = stops.Select(stop => stop.Failure).FirstOrDefault(failed => failed is not null);
            if (agreed is not null)
                RollForwardLocally();
            var goesOn = (agreed, failure) switch
            {
                (null, null) => Finish(),
                (null, { } failed) => Regroup(Park(failed)),
                ({ } attempt, _) => SwitchAtBoundary(attempt, failure),
            };
            if (!goesOn)
                return;
        }
    }

    private Stop TrainRank(LocalRank rank)
    {
        MigrationAttempt? agreed = null;
        rank.Thread = ProcessorTurn.ThisThread;
        var failure = FailureOf(rank, () =>
        {
            while (agreed is null && rank.Replica.Step < _job!.Recipe.Steps && !_stopping.IsCancellationRequested)
                TrainOneStep(rank, ref agreed);
            if (agreed is null && !_finished && !_stopping.IsCancellationRequested)
            {
                _pendingSwitch?.Computes(rank.Rank, Now());
                ((IRankGroups)rank.Groups!).Barrier();
            }
        });
        return new Stop(agreed, failure);
    }

    // A rank stops before its next segment; until then everybody stands still, and waits for what it computes in vain. A word that comes when these groups are replaced is about nobody who trains now.
    private void HurryToStop(MachineGroups failed)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(_groups, failed) || _phase != SessionPhase.Training || _stopping.IsCancellationRequested)
                return;
            foreach (var rank in _local!.All)
                ProcessorTurn.AskForNow(rank.Thread);
        }
    }

    /// <summary>What stops a rank in something that all ranks do together; null when it is done.</summary>
    private GroupFailure? FailureOf(LocalRank rank, Action act)
    {
        try
        {
            act();
            return null;
        }
        catch (CollectiveException failed)
        {
            return failed.Failure;
        }
        catch (Exception broken) when (broken is not OutOfMemoryException)
        {
            // Peers must not wait for a rank that cannot compute.
            var failure = new GroupFailure(FailureKind.Ordered, rank.Rank, _machine, $"{_machine} cannot go on: {broken.Message}", Now());
            _groups!.Fail(failure);
            return failure;
        }
    }

    private void TrainOneStep(LocalRank rank, ref MigrationAttempt? agreed)
    {
        var replica = rank.Replica;
        var step = replica.Step;
        var started = Now();
        rank.StepStarted = started;
        rank.Cores.Begin();
        _pendingSwitch?.Computes(rank.Rank, started);
        rank.EnteredCommit = false;
        try
        {
            if (step == 0 && StepRecords.IsRecorded(_job!, rank.Rank))
                TrainRecordedStep(rank);
            else
                TrainVotedStep(rank, ref agreed);
        }
        finally
        {
            if (replica.Step > step)
                CompleteStep(rank, step, started, rank.Cores.End());
        }

        if (agreed is null)
            CheckpointIfDue(rank);
    }

    private void TrainVotedStep(LocalRank rank, ref MigrationAttempt? agreed)
    {
        MigrationAttempt? voted = null;
        var verdict = StepProtocol.TrainToCommit(rank.Replica, _corpus!, rank.Groups!, commit => CommitWithVote(rank, commit, out voted));
        if (voted is null || !double.IsFinite(verdict.Norm))
        {
            StepProtocol.Complete(rank.Replica, rank.Groups!, verdict);
            return;
        }

        agreed = voted;
        rank.Held = new HeldUpdate(rank.Replica.Step, verdict.Norm, rank.Groups!.DataParallel.Size);
    }

    private void CheckpointIfDue(LocalRank rank)
    {
        if (_job!.CheckpointEvery > 0 && rank.Replica.Step % _job.CheckpointEvery == 0 && CheckpointStore.Writes(_job, rank.Rank))
            rank.Checkpoints.Write(_job, rank);
    }

    private void TrainRecordedStep(LocalRank rank)
    {
        // A shadow iteration votes for nothing, so the step that it is compared with must not either.
        var crossing = GroupRoles.Crossing(_job!.Layout, rank.Rank, _local!.Numbers.ToHashSet());
        var recorded = StepRecorder.TrainStep(_job.Name, rank.Replica, _corpus!, rank.Groups!, crossing, commit =>
        {
            rank.EnteredCommit = true;
            return Passed(rank, StepProtocol.Commit(commit));
        });
        lock (_gate)
            InBackground(() => RecordMemory.GiveBackAfterAsync(Task.Run(() => SaveRecord(rank.Rank, recorded.Record))));
    }

    private void SaveRecord(int rank, StepRecord? record)
    {
        string? failure = null;
        try
        {
            if (record is not null)
                StepRecords.StoreOf(_job!, _options.MostRecordBytes).Save(StepRecords.NameOf(_job!, rank), record);
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException or StepRecordException)
        {
            failure = broken.Message;
        }

        Raise(new FirstStepRecorded(record is null ? "The first step did not pass its commit." : failure) { Job = _job!.Name, Generation = _generation });
    }

    private CommitVerdict CommitWithVote(LocalRank rank, StepCommit commit, out MigrationAttempt? agreed)
    {
        agreed = null;
        MigrationAttempt? attempt;
        lock (_gate)
            attempt = _attempt is { IsReady: true } ? _attempt : null;
        var generation = attempt?.Vote.Cast(rank.Replica.Step) ?? 0;
        rank.EnteredCommit = true;

        // If it is agreed all stand still from here on, those first who are through, and wait for those who are not.
        if (generation > 0)
            ProcessorTurn.AskForNow();
        CommitVerdict verdict;
        try
        {
            verdict = commit.Enter(new CommitBallot(!commit.Replica.AwaitsParameters, generation));
        }
        catch (CollectiveException) when (generation > 0)
        {
            attempt!.Vote.Lost();
            AnswerPending(attempt, withdrawn: false);
            throw;
        }

        if (generation > 0)
        {
            if (verdict.AgreedGeneration == generation)
                agreed = attempt;
            else
                ProcessorTurn.AskForMuch();
            AnswerPending(attempt!, withdrawn: attempt!.Vote.Settle(agreed is not null));
        }

        return Passed(rank, verdict);
    }

    private static CommitVerdict Passed(LocalRank rank, CommitVerdict verdict)
    {
        if (verdict.Passed)
            rank.LastTotals = new StepTotals(verdict.Norm, verdict.Loss);
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

    private void CompleteStep(LocalRank rank, long step, long started, OwnTime? own = null, bool isBoundary = false)
    {
        var now = Now();
        rank.EnteredCommit = false;
        _options.AfterStep?.Invoke();
        lock (_gate)
        {
            _completedSteps = Math.Max(_completedSteps, rank.Replica.Step);
            var done = new StepDone(rank.Rank, step, rank.LastTotals?.Loss ?? float.NaN, Milliseconds(started, now), now, own?.Milliseconds, own?.Cores) { Job = _job!.Name, Generation = _generation };
            if (isBoundary)
            {
                _heldBack.Add((done, null));
            }
            else
            {
                TellHeldBack();
                Raise(done);
            }
        }

        if (!isBoundary)
            CompleteSwitch(rank);
    }

    private long Park(GroupFailure failure)
    {
        ApplyHeld();
        TellHeldBack();
        lock (_gate)
        {
            _phase = SessionPhase.Parked;
            Raise(new TrainingParked(_local?.First.Replica.Step ?? 0, failure.Kind.ToString(), failure.SuspectMachine, failure.Detail, failure.AtMonotonic)
            {
                Job = _job!.Name,
                Generation = _generation,
                Migration = (_attempt ?? _lost)?.Request.Migration,
            });
        }

        return failure.AtMonotonic;
    }

    /// <summary>All ranks of the job have reached the end; the session waits on, since a peer that was lost at the very end is still replaced.</summary>
    private bool Finish()
    {
        if (!_finished)
        {
            _finished = true;
            foreach (var rank in _local!.All)
                CompleteSwitch(rank);
            lock (_gate)
            {
                _phase = SessionPhase.Finished;
                if (_attempt is { } attempt && attempt.Vote.Withdraw() == Withdrawal.Done)
                    LosePreparation(attempt, "The job is finished.");
            }

            var digests = _local.Run(rank => new FinalDigest(rank.Rank, rank.Replica.Digest()));
            Raise(new TrainingFinished(_local.First.Replica.Step, digests) { Job = _job!.Name, Generation = _generation });
        }

        return Regroup(Now());
    }
}
