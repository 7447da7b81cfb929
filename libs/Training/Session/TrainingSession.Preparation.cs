using System.Diagnostics;
using TrainMover.Collectives;

namespace TrainMover.Training.Session;

public sealed partial class TrainingSession
{
    // Shared storage over a network raises no file events, so the record is looked for at this interval.
    private static readonly TimeSpan RecordInterval = TimeSpan.FromMilliseconds(100);

    private async Task RunWarmUpAsync(WarmUpRequest request)
    {
        var shadow = await RunShadowAsync(request.Job, _stopping.Token).ConfigureAwait(false);
        lock (_gate)
        {
            if (_phase is SessionPhase.Idle or SessionPhase.Warm)
                _phase = shadow.Result.Good ? SessionPhase.Warm : SessionPhase.Idle;
        }

        Raise(new WarmUpDone(shadow.Result) { Job = request.JobName, Generation = request.Generation }, KeyOf(request));
    }

    private async Task<(ShadowResult Result, long AllocatedBytes)> RunShadowAsync(SessionJob job, CancellationToken ct)
    {
        var waited = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(RecordInterval);
        try
        {
            while (!Directory.Exists(job.RecordDirectory) || !File.Exists(job.CheckpointFile))
            {
                if (waited.Elapsed > _options.RecordDeadline)
                    return (Rejected($"No record appeared in {job.RecordDirectory} within {_options.RecordDeadline}."), 0);
                await timer.WaitForNextTickAsync(ct).ConfigureAwait(false);
            }

            return await Task.Factory.StartNew(() => RunShadow(job), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return (Rejected("The shadow iteration was given up."), 0);
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return (Rejected($"The job's files cannot be read: {broken.Message}"), 0);
        }
    }

    private (ShadowResult Result, long AllocatedBytes) RunShadow(SessionJob job)
    {
        lock (_shadowGate)
        {
            if (_warmShadow is { Good: true } earlier && _job == job)
                return (earlier, 0);
            var replica = EnsureReplica(job, out var allocatedBytes);
            var shadow = ShadowIteration.Run(replica, _corpus!, job.CheckpointFile, job.RecordDirectory);
            lock (_gate)
                _warmShadow = shadow;
            return (shadow, allocatedBytes);
        }
    }

    private static ShadowResult Rejected(string reason) => new(false, reason, float.NaN, TimeSpan.Zero, 0, 0);

    private async Task RunPreparationAsync(MigrationAttempt attempt)
    {
        var started = Now();
        try
        {
            var prepared = attempt.Role == MigrationRole.Joiner
                ? await PrepareAsJoinerAsync(attempt).ConfigureAwait(false)
                : await PrepareAsMemberAsync(attempt).ConfigureAwait(false);

            lock (_gate)
            {
                if (ReferenceEquals(_attempt, attempt))
                {
                    attempt.Prepared = prepared;
                    if (attempt.Role == MigrationRole.Joiner)
                        StartThread($"join {attempt.Request.JobName}/{attempt.Request.Generation}", () => Join(attempt));
                    InBackground(() => PumpMessagesAsync(attempt, prepared));
                    Raise(
                        new PreparationDone(prepared.Plan.Digest, Milliseconds(started, Now()), attempt.DeviceBytes, attempt.Shadow)
                        {
                            Job = attempt.Request.JobName,
                            Generation = attempt.Request.Generation,
                            Migration = attempt.Request.Migration,
                        },
                        KeyOf(attempt.Request));
                    return;
                }
            }

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

    private async Task<PreparedGroups> PrepareAsJoinerAsync(MigrationAttempt attempt)
    {
        var wasWarm = _warmShadow is { Good: true } && _job == attempt.Request.Job;
        var (shadow, allocatedBytes) = await RunShadowAsync(attempt.Request.Job, attempt.Dropped).ConfigureAwait(false);
        attempt.Shadow = shadow;
        attempt.DeviceBytes = wasWarm ? 0 : allocatedBytes;
        if (!shadow.Good)
            throw new InvalidDataException($"The shadow iteration is not good: {shadow.Reason}");

        using var deadline = PreparationDeadline(attempt);
        return await _endpoint.PrepareJoinerAsync(attempt.Request.From, attempt.Request.To, deadline.Token).ConfigureAwait(false);
    }

    private async Task<PreparedGroups> PrepareAsMemberAsync(MigrationAttempt attempt)
    {
        MachineGroups group;
        lock (_gate)
            group = _group!;
        using var deadline = PreparationDeadline(attempt);
        var prepared = await group.PrepareStayersAsync(attempt.Request.To, deadline.Token).ConfigureAwait(false);
        try
        {
            foreach (var move in attempt.Request.Moves.Where(move => move.Leaver == _machine))
                await prepared.OpenStateAsync(move.Joiner, 0, deadline.Token).ConfigureAwait(false);
            return prepared;
        }
        catch
        {
            await prepared.AbortAsync().ConfigureAwait(false);
            throw;
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
                if (SwitchMessage.Decode(bytes) is { } message && message.Generation == attempt.Request.Generation)
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
