using TrainMover.Collectives;

namespace TrainMover.Training.Session;

// A standby that waits in phase 1 (paper, general standby), and members that hold the plan for the loss of each of them: what a failure still needs is that all survivors and the standby see the same process end.
// None of them goes on before all have said so, so a machine that only some lost stays until the control plane has decided.
public sealed partial class TrainingSession
{
    private ArmRequest? _arming;
    private CancellationTokenSource? _armingEnds;
    private ArmedLinks? _armed;
    private FollowedRanks? _followed;
    private FollowingRanks? _following;

    /// <summary>The caller holds the gate.</summary>
    private string? Arm(ArmRequest request)
    {
        if (request.Generation <= _generation)
            return $"Generation {request.Generation} is not newer than the current one, {_generation}.";
        var groups = request.Standby.Machine == _machine ? null : _groups;
        var isMember = _phase is SessionPhase.Training or SessionPhase.Parked && groups?.Topology == request.From;
        if (request.Standby.Machine == _machine ? _phase != SessionPhase.Warm : !isMember)
            return $"This session is {_phase} in generation {_generation}: it cannot be armed for generation {request.From.Generation}.";
        if (_attempt is { } attempt && (attempt.Ordered || attempt.Vote.Withdraw() is not Withdrawal.Done))
            return $"Generation {attempt.Request.Generation} is being prepared.";

        if (_attempt is { } begun)
            Forget(begun);
        Disarm();
        _arming = request;
        _armingEnds = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var ends = _armingEnds.Token;
        InBackground(() => RunArmingAsync(request, groups, ends));
        return null;
    }

    private async Task RunArmingAsync(ArmRequest request, MachineGroups? groups, CancellationToken ends)
    {
        try
        {
            var (followed, streams) = (request.Followed, request.Job.Devices);
            var links = groups is null
                ? await _endpoint.ArmAsync(request.From, request.Arming, request.Standing, followed, streams, ends).ConfigureAwait(false)
                : await groups.ArmAsync(request.Arming, request.Standing, followed, streams, ends).ConfigureAwait(false);
            if (!TakeArmed(request, links))
                await links.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is GroupSetupException or OperationCanceledException or InvalidOperationException)
        {
            lock (_gate)
            {
                if (ReferenceEquals(_arming, request) && !_stopping.IsCancellationRequested)
                    Refuse(request, $"The standby cannot be armed: {failure.Message}");
            }
        }
    }

    private bool TakeArmed(ArmRequest request, ArmedLinks links)
    {
        // While a standby's replicas are about to follow, no shadow iteration writes to them.
        lock (_shadowGate)
        {
            lock (_gate)
            {
                if (!ReferenceEquals(_arming, request) || _stopping.IsCancellationRequested)
                    return false;
                _armed = links;
                links.PeerReset += TakePlanWithout;
                BeginFollowing(request, links.TakeStreams());
                Raise(new StandbyArmed(request.Standby.Machine) { Job = request.JobName, Generation = request.Generation }, KeyOf(request));
                return true;
            }
        }
    }

    /// <summary>The standby becomes a replica of a member before anybody is lost, and stays one (ADR 9). The caller holds both gates.</summary>
    private void BeginFollowing(ArmRequest request, IReadOnlyList<StateConnection> streams)
    {
        if (request.Followed == _machine)
        {
            _followed = new FollowedRanks(streams, _local!);
            KeepInBackground(TellCaughtUpAsync(request, _followed));
        }
        else if (request.Followed is { } member && request.Standby.Machine == _machine && IsWarmFor(request.Job, request.From.RanksOf(member)))
        {
            _following = new FollowingRanks(streams, _local!, request.Job.Techniques);
        }
        else
        {
            foreach (var stream in streams)
                stream.Dispose();
        }
    }

    private async Task TellCaughtUpAsync(ArmRequest request, FollowedRanks followed)
    {
        try
        {
            await followed.CaughtUp.ConfigureAwait(false);
            Raise(new FollowerCaughtUp(request.Standby.Machine) { Job = request.JobName, Generation = request.Generation });
        }
        catch (GroupSetupException)
        {
            // It does not keep up, or is gone: a joiner gets a copy of the state.
        }
    }

    /// <summary>What began before the plan was needed is the attempt's, if the standby has become a replica of the very ranks that are lost. The caller holds the gate.</summary>
    private void HandFollowingTo(MigrationAttempt attempt)
    {
        var (job, lost) = (attempt.Request.Job, attempt.Request.From.RanksOf(attempt.Request.Moves[0].Leaver));
        if (_followed is { } followed && JobRoles.AreAlike(job, _local!.Numbers, lost))
        {
            attempt.Keep(followed);
            _followed = null;
        }

        if (_following is { } following && IsWarmFor(job, lost))
        {
            attempt.Keep(following);
            _following = null;
        }

        EndFollowing();
    }

    /// <summary>The caller holds the gate.</summary>
    private void EndFollowing()
    {
        _followed?.Dispose();
        _following?.Stop();
        (_followed, _following) = (null, null);
    }

    private bool IsWarmFor(SessionJob job, IReadOnlyList<int> ranks) => Fits(job, ranks) && _warm.Find(job, ranks) is not null;

    /// <summary>A generation or plan of the control plane's makes the plans that were held before void; the caller holds the gate.</summary>
    private void Disarm()
    {
        _arming = null;
        if (_armingEnds is { } ends)
            KeepInBackground(GiveUpAsync(ends));
        _armingEnds = null;
        EndFollowing();
        if (_armed is not { } links)
            return;
        _armed = null;
        links.PeerReset -= TakePlanWithout;
        CloseLater(links);
    }

    private static async Task GiveUpAsync(CancellationTokenSource begun)
    {
        await begun.CancelAsync().ConfigureAwait(false);
        begun.Dispose();
    }

    // Called on the thread of the bootstrap connections, which everybody's heart-beats wait for.
    private void TakePlanWithout(string machine)
    {
        lock (_gate)
        {
            if (_groups is { } groups && groups.Topology.On(machine) is not null)
                HurryToStop(groups);
        }

        _urgent.Post(() => PrepareWithout(machine));
    }

    private void PrepareWithout(string machine)
    {
        // Where nothing has to be waited for, all of phase 1 is done before this returns: training stands still.
        var turn = new TaskCompletionSource();
        BeginWithout(machine, turn.Task);
        turn.SetResult();
    }

    private void BeginWithout(string machine, Task turn)
    {
        lock (_gate)
        {
            if (_arming is not { } armed || _armed is not { } links || _attempt is not null || _lost is not null || _stopping.IsCancellationRequested || armed.Without(machine) is not { } request)
                return;
            var key = KeyOf(request);
            if (_ledger.Find(key) is not null)
                return;
            _ledger.Accept(key);
            if (Prepare(request, links, turn) is not null)
                _ledger.Forget(key);
        }
    }
}
