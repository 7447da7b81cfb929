using System.Diagnostics;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

public sealed partial class TrainingSession
{
    // Shared storage over a network raises no file events, so the record is looked for at this interval.
    private static readonly TimeSpan RecordInterval = TimeSpan.FromMilliseconds(100);

    private async Task RunWarmUpAsync(WarmUpRequest request)
    {
        var shadow = Rejected("There is no role to warm up for.");
        foreach (var ranks in JobRoles.Of(request.Job))
        {
            shadow = await RunShadowAsync(request.Job, ranks, _stopping.Token, renew: true).ConfigureAwait(false);
            if (!shadow.Good)
                break;
        }

        lock (_gate)
        {
            if (_phase is SessionPhase.Idle or SessionPhase.Warm)
                _phase = shadow.Good ? SessionPhase.Warm : SessionPhase.Idle;
        }

        Raise(new WarmUpDone(shadow, _warm.All) { Job = request.JobName, Generation = request.Generation }, KeyOf(request));
    }

    private async Task<ShadowResult> RunShadowAsync(SessionJob job, IReadOnlyList<int> ranks, CancellationToken ct, bool renew = false, ShadowBatch? batch = null)
    {
        var waited = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(RecordInterval);
        try
        {
            while (!ranks.All(rank => Directory.Exists(StepRecords.FolderOf(job, rank)) && CheckpointStore.HasInitial(job, rank)))
            {
                if (waited.Elapsed > _options.RecordDeadline)
                    return Rejected($"No record of rank {string.Join(" and ", ranks)} appeared in {job.Directory} within {_options.RecordDeadline}.");
                await timer.WaitForNextTickAsync(ct).ConfigureAwait(false);
            }

            return await Task.Factory.StartNew(() => RunShadow(job, ranks, renew, batch, ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return Rejected("The shadow iteration was given up.");
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return Rejected($"The job's files cannot be read: {broken.Message}");
        }
    }

    /// <summary>Runs the shadow iteration of a role, or takes that of an earlier warm-up, and leaves replicas of the ranks.</summary>
    /// <param name="job">The job.</param>
    /// <param name="ranks">Ranks of one machine.</param>
    /// <param name="renew">Give back the memory of another role first: a standby holds no more than the role that it keeps.</param>
    /// <param name="batch">Other machines to run it with, warm or not: what it exchanges with them no warm-up has used. Null runs it alone.</param>
    /// <param name="ct">Ends the wait for them.</param>
    private ShadowResult RunShadow(SessionJob job, IReadOnlyList<int> ranks, bool renew, ShadowBatch? batch, CancellationToken ct)
    {
        lock (_shadowGate)
        {
            if (batch is not null || !IsWarmFor(job, ranks))
            {
                // What follows is about to be overwritten.
                lock (_gate)
                    EndFollowing();
            }

            if (renew && !Fits(job, ranks))
                FreeReplicas();
            if (batch is null && EarlierShadow(job, ranks) is { } earlier)
                return earlier;
            var local = EnsureReplicas(job, WarmRoles.RecordedFor(job, ranks));
            var shadow = batch is null ? MachineShadow.Run(job, local, _corpus!) : MachineShadow.Run(job, local, _corpus!, _endpoint, batch, ct);
            RecordMemory.GiveBack();
            if (shadow.Good || batch is null)
                _warm.Note(job, ranks, shadow);
            EnsureReplicas(job, ranks);
            return shadow;
        }
    }

    /// <summary>The shadow iteration of an earlier warm-up, with replicas of the ranks; null where there was none.</summary>
    private ShadowResult? EarlierShadow(SessionJob job, IReadOnlyList<int> ranks)
    {
        lock (_shadowGate)
        {
            if (_warm.Find(job, ranks) is not { } earlier)
                return null;
            EnsureReplicas(job, ranks);
            return earlier;
        }
    }

    private bool IsFilled(SessionJob job, IReadOnlyList<int> ranks) => _local is not null && _job == job && _local.All.Count == ranks.Count;

    private bool Fits(SessionJob job, IReadOnlyList<int> ranks) => IsFilled(job, ranks) && JobRoles.AreAlike(job, _local!.Numbers, ranks);

    /// <summary>
    /// Replicas of the ranks, in the memory that is there: it is kept from warm-up to training, and with the compiled code it is what makes a standby warm. Another role takes what it has more.
    /// </summary>
    private LocalRanks EnsureReplicas(SessionJob job, IReadOnlyList<int> ranks)
    {
        if (IsFilled(job, ranks))
        {
            foreach (var (local, rank) in _local!.All.Zip(ranks))
            {
                if (JobRoles.AreAlike(job, local.Rank, rank))
                    local.Rank = rank;
                else
                    local.Promote(job, rank);
            }

            return _local;
        }

        FreeReplicas();
        _corpus = Corpus.Load(job.CorpusFile);
        _local = new LocalRanks([.. ranks.Select((rank, device) => new LocalRank(rank, job.CreateReplica(rank, new ReplicaMemory(job.LongestBuffer(device), _meter), _options.Slowness), _options.Slowness))]);
        _job = job;
        return _local;
    }

    private void FreeReplicas()
    {
        _local?.Dispose();
        _local = null;
    }

    private static ShadowResult Rejected(string reason) => new(false, reason, float.NaN, TimeSpan.Zero, 0, 0);

    private async Task RunPreparationAsync(MigrationAttempt attempt, Task earlier, Task? turn)
    {
        // A preparation that was dropped is on its way out.
        if (turn is null)
            await earlier.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        else
            await Task.WhenAll(earlier, turn).ConfigureAwait(false);
        var (started, allocated) = (Now(), _meter.Allocated);
        try
        {
            var twoPhase = attempt.Request.Job.Techniques.TwoPhaseGroups;
            if (attempt.Role == MigrationRole.Joiner)
                await WarmAsync(attempt).ConfigureAwait(false);
            var prepared = twoPhase ? await PrepareGroupsAsync(attempt).ConfigureAwait(false) : null;
            var digest = prepared?.Plan.Digest ?? DeltaPlan.Compute(attempt.Request.From, attempt.Request.To, reuse: false).Digest;

            lock (_gate)
            {
                if (ReferenceEquals(_attempt, attempt))
                {
                    attempt.IsReady = true;
                    if (prepared is not null)
                        Hold(attempt, prepared);
                    attempt.AllocatedBefore = _meter.Allocated;
                    if (attempt.Role == MigrationRole.Joiner)
                        StartThread($"join {attempt.Request.JobName}/{attempt.Request.Generation}", () => Join(attempt));
                    Raise(
                        new PreparationDone(digest, Milliseconds(started, Now()), attempt.AllocatedBefore - allocated, attempt.Shadow)
                        {
                            Job = attempt.Request.JobName,
                            Generation = attempt.Request.Generation,
                            Migration = attempt.Request.Migration,
                        },
                        KeyOf(attempt.Request));
                    if (prepared is not null && !attempt.Request.Expected)
                        TellReady(attempt, prepared);
                    return;
                }
            }

            if (prepared is not null)
                await prepared.AbortAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            lock (_gate)
            {
                if (!ReferenceEquals(_attempt, attempt))
                    return;
                attempt.Vote.Withdraw();
                LosePreparation(attempt, failure is OperationCanceledException ? $"Not prepared within {_options.PrepareDeadline}." : failure.Message);
            }
        }
    }

    // Every digest was compared when the bootstrap connections were made: a hand-shake with another plan is refused.
    private void TellReady(MigrationAttempt attempt, PreparedGroups prepared)
    {
        var word = new SwitchMessage(SwitchMessageKind.Ready, attempt.Request.Generation, 0, null).Encode();
        foreach (var machine in attempt.Request.To.Machines.Where(machine => machine != _machine))
            prepared.Send(machine, word);
        NoteReady(attempt, _machine);
    }

    /// <summary>Without two-phase groups they are made here, in the pause.</summary>
    private void EnsureGroups(MigrationAttempt attempt)
    {
        if (attempt.Prepared is not null)
            return;
        var prepared = PrepareGroupsAsync(attempt).GetAwaiter().GetResult();
        lock (_gate)
            Hold(attempt, prepared);
    }

    private void Hold(MigrationAttempt attempt, PreparedGroups prepared)
    {
        attempt.Prepared = prepared;
        KeepInBackground(PumpMessagesAsync(attempt, prepared));
    }

    private Task<PreparedGroups> PrepareGroupsAsync(MigrationAttempt attempt) =>
        attempt.Role == MigrationRole.Joiner ? PrepareAsJoinerAsync(attempt) : PrepareAsMemberAsync(attempt);

    private async Task WarmAsync(MigrationAttempt attempt)
    {
        var (request, job) = (attempt.Request, attempt.Request.Job);
        var ranks = request.To.RanksOf(_machine);
        if (job.Techniques.Sandbox)
        {
            var batch = ShadowBatch.Of(request, _machine);
            attempt.Shadow = (batch is null && IsWarmFor(job, ranks) ? EarlierShadow(job, ranks) : null) ?? await RunShadowAsync(job, ranks, attempt.Dropped, batch: batch).ConfigureAwait(false);
            if (!attempt.Shadow.Good)
                throw new InvalidDataException($"The shadow iteration is not good: {attempt.Shadow.Reason}");
        }
        else if (attempt.IsFollowed)
        {
            EnsureReplicas(job, ranks);
        }
    }

    private async Task<PreparedGroups> PrepareAsJoinerAsync(MigrationAttempt attempt)
    {
        var request = attempt.Request;
        using var deadline = PreparationDeadline(attempt);
        var prepared = await _endpoint.PrepareJoinerAsync(request.From, request.To, deadline.Token, request.Job.Techniques.TwoPhaseGroups, attempt.Armed).ConfigureAwait(false);
        if (!attempt.IsFollowed)
            return prepared;
        lock (_gate)
            InBackground(() => FollowAsync(attempt, prepared, request.Moves.First(move => move.Joiner == _machine).Leaver));
        return prepared;
    }

    // A joiner is ready without following: it is the leaver that says when following has caught up, and whoever waited for a leaver that died would wait in vain.
    private async Task FollowAsync(MigrationAttempt attempt, PreparedGroups prepared, string leaver)
    {
        try
        {
            using var deadline = PreparationDeadline(attempt);
            var streams = await FollowingStreams.OpenAsync(attempt.Request.Job.Devices, stream => prepared.AcceptStateAsync(leaver, stream, deadline.Token)).ConfigureAwait(false);
            attempt.BeginFollowing(streams, accepted => new FollowingRanks(accepted, _local!, attempt.Request.Job.Techniques));
        }
        catch (Exception ended) when (ended is GroupSetupException or OperationCanceledException)
        {
            // The leaver does not let itself be followed, or is gone: the state comes in the pause.
        }
    }

    private async Task<PreparedGroups> PrepareAsMemberAsync(MigrationAttempt attempt)
    {
        using var deadline = PreparationDeadline(attempt);
        var groups = await GroupsOfAsync(attempt.Request.From, deadline.Token).ConfigureAwait(false);
        var prepared = await groups.PrepareStayersAsync(attempt.Request.To, deadline.Token, attempt.Request.Job.Techniques.TwoPhaseGroups, attempt.Armed).ConfigureAwait(false);
        try
        {
            if (attempt.Role != MigrationRole.Leaver)
                return prepared;
            var move = attempt.Request.Moves.First(move => move.Leaver == _machine);
            await Task.WhenAll(StateRoutes.FromLeaver(attempt.Request, move).Select(route => prepared.OpenStateAsync(move.Joiner, route.Stream, deadline.Token))).ConfigureAwait(false);
            if (attempt.IsFollowed)
                await LetFollowAsync(attempt, prepared, move.Joiner, deadline.Token).ConfigureAwait(false);
            return prepared;
        }
        catch
        {
            await prepared.AbortAsync().ConfigureAwait(false);
            throw;
        }
    }

    // Without following the state is copied in the pause: slower, and just as right.
    private async Task LetFollowAsync(MigrationAttempt attempt, PreparedGroups prepared, string joiner, CancellationToken ct)
    {
        try
        {
            attempt.Keep(await FollowedRanks.StartAsync(prepared, joiner, _local!, ct).ConfigureAwait(false));
            await UntilCaughtUpAsync(attempt).ConfigureAwait(false);
        }
        catch (GroupSetupException)
        {
            // It did not begin, or broke off.
        }
    }

    private async Task UntilCaughtUpAsync(MigrationAttempt attempt)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(attempt.Dropped, attempt.LeaverGone, _stopping.Token);
        patience.CancelAfter(_options.FollowingDeadline);
        try
        {
            await attempt.Followed!.CaughtUp.WaitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!attempt.Dropped.IsCancellationRequested && !_stopping.IsCancellationRequested)
        {
            // The joiner does not keep up, or the leaver is gone.
        }
    }

    private CancellationTokenSource PreparationDeadline(MigrationAttempt attempt)
    {
        var deadline = CancellationTokenSource.CreateLinkedTokenSource(attempt.Dropped, _stopping.Token);
        deadline.CancelAfter(_options.PrepareDeadline);
        return deadline;
    }

    private async Task PumpMessagesAsync(MigrationAttempt attempt, PreparedGroups prepared)
    {
        try
        {
            while (true)
            {
                var (machine, bytes) = await prepared.ReceiveAsync(attempt.Dropped).ConfigureAwait(false);
                if (SwitchMessage.Decode(bytes) is not { } message || message.Generation != attempt.Request.Generation)
                    continue;
                if (message.Kind == SwitchMessageKind.Ready)
                    NoteReady(attempt, machine);
                else
                    _inbox.Post(new Signal.MessageArrived(attempt, machine, message));
            }
        }
        catch (OperationCanceledException)
        {
            // Dropped or switched: nothing more to hear.
        }
        catch (Exception lost) when (lost is not OutOfMemoryException)
        {
            lock (_gate)
            {
                if (!ReferenceEquals(_attempt, attempt))
                    return;
                switch (attempt.Vote.Withdraw())
                {
                    case Withdrawal.Done:
                        LosePreparation(attempt, lost.Message);
                        break;
                    case Withdrawal.Pending:
                        attempt.PendingLoss = lost.Message;
                        break;
                    default:
                        _inbox.Post(new Signal.PreparedGroupLost(attempt, lost.Message));
                        break;
                }
            }
        }
    }

    /// <summary>The caller holds the gate and has the vote withdrawn.</summary>
    private void LosePreparation(MigrationAttempt attempt, string reason)
    {
        Forget(attempt);
        Raise(
            new PreparationLost(reason) { Job = attempt.Request.JobName, Generation = attempt.Request.Generation, Migration = attempt.Request.Migration },
            KeyOf(attempt.Request));
    }

    private static double Milliseconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalMilliseconds;
}
