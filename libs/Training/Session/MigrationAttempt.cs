using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>One migration as this machine sees it, from the request to prepare until it is switched or dropped.</summary>
internal sealed class MigrationAttempt : IDisposable
{
    private readonly CancellationTokenSource _dropped = new();
    private readonly CancellationTokenSource _leaverGone = new();
    private readonly Lock _gate = new();
    private Traffic? _messagesBefore;
    private bool _followingStopped;

    public MigrationAttempt(PrepareRequest request, string machine)
    {
        Request = request;
        Role = request.RoleOf(machine);
        Vote = new SwitchVote(request.Generation);
        Survivors = [.. request.To.Members.Where(member => request.Moves.All(move => move.Joiner != member.Machine))];
        (Dropped, LeaverGone) = (_dropped.Token, _leaverGone.Token);
    }

    public PrepareRequest Request { get; }

    public MigrationRole Role { get; }

    public SwitchVote Vote { get; }

    /// <summary>Ranks of the new topology that hold state: all but the joiners'.</summary>
    public IReadOnlyList<Member> Survivors { get; }

    /// <summary>The connections with the standby, where members hold this plan since before its cause; else null.</summary>
    public ArmedLinks? Armed { get; init; }

    /// <summary>Whether the control plane decided it; else the members took the plan that they held.</summary>
    public bool Ordered { get; set; } = true;

    /// <summary>Set when phase 1 is done.</summary>
    public bool IsReady { get; set; }

    /// <summary>The next generation's groups; set with <see cref="IsReady"/>, or in the pause where groups are not prepared.</summary>
    public PreparedGroups? Prepared { get; set; }

    public ShadowResult? Shadow { get; set; }

    /// <summary>Device memory that had been allocated here when phase 1 was done, in bytes.</summary>
    public long AllocatedBefore { get; set; }

    /// <summary>Machines that said that they are prepared; without their leaver they switch when all have.</summary>
    public HashSet<string> ReadyMachines { get; } = new(StringComparer.Ordinal);

    /// <summary>Set when an abort waits for a ballot in flight: what to raise when it is refused after all.</summary>
    public AbortRequest? PendingAbort { get; set; }

    /// <summary>Why the prepared group was lost while a ballot was in flight.</summary>
    public string? PendingLoss { get; set; }

    public bool AgreementRaised { get; set; }

    /// <summary>This survivor has told the others what it knows; the training thread's own.</summary>
    public bool Reported { get; set; }

    /// <summary>This survivor has heard all others and knows the step to resume with; the training thread's own.</summary>
    public bool Decided { get; set; }

    /// <summary>Cancelled when the attempt is dropped; may be asked when it is disposed, too.</summary>
    public CancellationToken Dropped { get; }

    /// <summary>Cancelled when the leaver is known to be dead: nothing more comes from it.</summary>
    public CancellationToken LeaverGone { get; }

    /// <summary>Reports of the survivors, by rank; the training thread's own.</summary>
    public Dictionary<int, StepReport> Reports { get; } = [];

    /// <summary>Machines that hold state and stay.</summary>
    public IReadOnlyList<string> SurvivingMachines => [.. Survivors.Select(member => member.Machine).Distinct(StringComparer.Ordinal)];

    /// <summary>Joiners that hold the state; the training thread's own.</summary>
    public HashSet<string> StateHolders { get; } = new(StringComparer.Ordinal);

    /// <summary>Sources that sent a boundary; a joiner's training thread's own.</summary>
    public HashSet<string> Boundaries { get; } = new(StringComparer.Ordinal);

    /// <summary>From where the joiners' state comes.</summary>
    public SessionStateSource Source { get; set; }

    /// <summary>State received while training stood still, in bytes.</summary>
    public long StateBytes { get; set; }

    /// <summary>Completed steps that a return to a checkpoint lost.</summary>
    public long LostSteps { get; set; }

    /// <summary>The survivor that the joiner follows and has caught up with: nobody else sends it state. Null where all do. The training thread's own.</summary>
    public string? FollowedMember { get; set; }

    /// <summary>The followed side, of a leaver or of a member that the standby follows; null where nobody follows this machine.</summary>
    public FollowedRanks? Followed { get; private set; }

    /// <summary>A joiner's side of following; null where it does not follow.</summary>
    public FollowingRanks? Followers { get; private set; }

    /// <summary>Bytes that a joiner received by following.</summary>
    public long FollowedBytes => Followers?.Bytes ?? 0;

    /// <summary>Bytes that this machine moved for the migration, by phase.</summary>
    public IReadOnlyList<PhaseTraffic> Traffic
    {
        get
        {
            var messages = Prepared?.Messages ?? default;
            var before = _messagesBefore ?? default;
            return
            [
                new PhaseTraffic("preparation", before),
                new PhaseTraffic("sandbox", new Traffic(0, Shadow?.BytesAnswered ?? 0)),
                new PhaseTraffic("following", new Traffic(0, FollowedBytes)),
                new PhaseTraffic("state-transfer", new Traffic(Prepared?.StateBytesSent ?? 0, StateBytes)),
                new PhaseTraffic("switch", messages.Since(before)),
            ];
        }
    }

    /// <summary>What is said from here on belongs to the switch; only the first call counts.</summary>
    public void BeginSwitch() => _messagesBefore ??= Prepared?.Messages ?? default;

    public bool AllReported => Survivors.All(member => Reports.ContainsKey(member.Rank));

    public bool AllJoinersHoldState => Request.Moves.All(move => StateHolders.Contains(move.Joiner));

    /// <summary>The joiners of an expected migration follow, unless the job does without.</summary>
    public bool IsFollowed => Request.Job.Techniques is { Following: true, TwoPhaseGroups: true } && Request.Expected;

    /// <summary>Keeps the leaver's side of following until the attempt is dropped; ends it at once where it was dropped before.</summary>
    public void Keep(FollowedRanks followed)
    {
        lock (_gate)
        {
            Followed = followed;
            if (!_dropped.IsCancellationRequested)
                return;
        }

        followed.Dispose();
    }

    /// <summary>Takes over the joiner's side of following that began before the plan was needed, of an attempt that nobody else knows yet.</summary>
    public void Keep(FollowingRanks followers) => Followers = followers;

    /// <summary>
    /// Has a joiner follow over connections that are there, until it is stopped. Where it was stopped before they are closed and nothing begins: the joiner's replicas may have their state, and be trained, already.
    /// </summary>
    public void BeginFollowing(IReadOnlyList<StateConnection> streams, Func<IReadOnlyList<StateConnection>, FollowingRanks> begin)
    {
        lock (_gate)
        {
            if (!_followingStopped)
            {
                Followers = begin(streams);
                return;
            }
        }

        foreach (var stream in streams)
            stream.Dispose();
    }

    /// <summary>Nothing followed is of use any more: the state is copied, or the attempt is over.</summary>
    public void StopFollowing()
    {
        lock (_gate)
            _followingStopped = true;
        Followers?.Stop();
    }

    public void Drop()
    {
        Cancel();
        EndFollowing();
    }

    /// <summary>As <see cref="Drop"/>, of an attempt that has come to its end, and on a thread of its own: nobody waits for what it closes any more.</summary>
    public Task DropDone() => Task.Run(() =>
    {
        Prepared!.Conclude();
        Drop();
        Dispose();
    });

    public void LoseLeaver() => _leaverGone.Cancel();

    public void Dispose()
    {
        _dropped.Dispose();
        _leaverGone.Dispose();
    }

    private void Cancel()
    {
        lock (_gate)
            _dropped.Cancel();
    }

    private void EndFollowing()
    {
        Followed?.Dispose();
        StopFollowing();
    }
}
