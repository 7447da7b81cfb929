using TrainMover.Collectives;

namespace TrainMover.Training.Session;

public sealed partial class TrainingSession
{
    /// <summary>The leaver's state to its joiner: the end of following where the joiner keeps up, else a copy.</summary>
    private void SendState(MigrationAttempt attempt, string joiner, CancellationToken ct)
    {
        var followed = attempt.Followed is { } leaders && leaders.Finish();
        if (!followed)
            ApplyHeld();
        attempt.Prepared!.Send(joiner, BoundaryOf(attempt, SessionStateSource.Leaver, followed).Encode());
        if (!followed)
            SendAsync(attempt, StateRoutes.FromLeaver(attempt.Request, attempt.Request.Moves.First(move => move.Joiner == joiner)), ct).GetAwaiter().GetResult();
        else
            attempt.Followed!.Flushed.Await(ct);
    }

    private SwitchMessage BoundaryOf(MigrationAttempt attempt, SessionStateSource source, bool followed = false) => new(
        SwitchMessageKind.Boundary, attempt.Request.Generation, _local!.First.CompletedSteps, _local.First.LastTotals, Source: source, Followed: followed,
        AwaitsParameters: _local.All.Any(rank => rank.Replica.AwaitsParameters));

    /// <summary>Sends what joiners need and this machine holds, or what is left of it to a joiner that has followed; where some rank has no copy left, all go back to a checkpoint.</summary>
    private void ServeJoiners(MigrationAttempt attempt)
    {
        var joiners = attempt.Request.Moves.Select(move => move.Joiner).Where(joiner => !attempt.StateHolders.Contains(joiner)).ToList();
        if (StateRoutes.FromSurvivors(attempt.Request) is not { } routes)
        {
            if (joiners.Count > 0)
                ReturnToCheckpoint(attempt);
            return;
        }

        if (attempt.FollowedMember is { } followed)
        {
            if (followed == _machine && joiners is [var follower])
                _ = EndFollowingAsync(attempt, follower);
            return;
        }

        foreach (var joiner in joiners)
        {
            var mine = routes.Where(route => route.Source == _machine && route.Joiner == joiner).ToList();
            if (mine.Count > 0)
                _ = ServeAsync(attempt, joiner, mine);
        }
    }

    /// <summary>The joiner has been a replica since before the failure: all that it needs is what it has not yet applied.</summary>
    private async Task EndFollowingAsync(MigrationAttempt attempt, string joiner)
    {
        try
        {
            if (!attempt.Followed!.Finish())
                throw new GroupSetupException("it does not follow any more.", joiner);
            attempt.Prepared!.Send(joiner, BoundaryOf(attempt, SessionStateSource.Peers, followed: true).Encode());
            await attempt.Followed.Flushed.WaitAsync(attempt.Dropped).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            NoteUnserved(attempt, joiner, failure);
        }
    }

    private async Task ServeAsync(MigrationAttempt attempt, string joiner, IReadOnlyList<StateRoute> routes)
    {
        try
        {
            attempt.Prepared!.Send(joiner, BoundaryOf(attempt, SessionStateSource.Peers).Encode());
            await SendAsync(attempt, routes, attempt.Dropped).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            NoteUnserved(attempt, joiner, failure);
        }
    }

    private void NoteUnserved(MigrationAttempt attempt, string joiner, Exception failure)
    {
        // Else dropped, or the joiner held the state already and the switch went on.
        if (failure is not OperationCanceledException)
            _inbox.Post(new Signal.PreparedGroupLost(attempt, $"The state did not reach {joiner}: {failure.Message}"));
    }

    private Task SendAsync(MigrationAttempt attempt, IEnumerable<StateRoute> routes, CancellationToken ct) => Task.WhenAll(routes.Select(route =>
        attempt.Prepared!.SendStateAsync(route.Joiner, route.Stream, StateRegions.ToSend(_local![route.SourceRank]!.Replica, route), ct)));

    private async Task<long> ReceiveAsync(MigrationAttempt attempt, IEnumerable<StateRoute> routes, CancellationToken ct)
    {
        var received = await Task.WhenAll(routes.Select(route =>
            attempt.Prepared!.ReceiveStateAsync(route.Source, route.Stream, StateRegions.ToReceive(_local![route.Rank]!.Replica, route), ct))).ConfigureAwait(false);
        return received.Sum();
    }

    /// <summary>No copy survives: the lowest surviving machine names the newest checkpoint that is whole, and everybody loads it.</summary>
    private void ReturnToCheckpoint(MigrationAttempt attempt)
    {
        if (attempt.SurvivingMachines[0] != _machine)
            return;
        var step = CheckpointStore.NewestWhole(_job!);
        var word = new SwitchMessage(SwitchMessageKind.Boundary, attempt.Request.Generation, step, null, Source: SessionStateSource.Checkpoint).Encode();
        foreach (var machine in attempt.Request.To.Machines.Where(machine => machine != _machine))
            attempt.Prepared!.Send(machine, word);
        LoadCheckpoint(attempt, step);
    }

    private void LoadCheckpoint(MigrationAttempt attempt, long step)
    {
        if (attempt.Source == SessionStateSource.Checkpoint)
            return;
        attempt.Source = SessionStateSource.Checkpoint;
        attempt.LostSteps = Math.Max(0, _local!.First.Replica.Step - step);
        _local.Run(rank =>
        {
            CheckpointStore.Load(_job!, step, rank.Rank, rank.Replica);
            (rank.EnteredCommit, rank.LastTotals, rank.Held) = (false, null, null);
            return true;
        });
        Interlocked.Exchange(ref _completedSteps, step);
        attempt.Vote.Agree();
        NoteAgreed(attempt, step);
    }
}
