using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>What a session does.</summary>
public enum SessionPhase
{
    /// <summary>Holds no rank.</summary>
    Idle,

    /// <summary>Proved by a shadow iteration, holds no rank.</summary>
    Warm,

    /// <summary>Prepares, or waits, to take a leaver's rank.</summary>
    Joining,

    /// <summary>Trains.</summary>
    Training,

    /// <summary>Stopped by a failed peer; state intact, waits for requests.</summary>
    Parked,

    /// <summary>Gave its rank away; state intact until the session is disposed.</summary>
    Left,

    /// <summary>Trained all steps.</summary>
    Finished,
}

/// <summary>What a session says of itself when asked.</summary>
/// <param name="Phase">What it does.</param>
/// <param name="Job">Its job, if any.</param>
/// <param name="Generation">Generation in which it trains; 0 without a rank.</param>
/// <param name="Ranks">Its ranks, ascending; empty without one.</param>
/// <param name="Step">Completed steps.</param>
/// <param name="PreparedGeneration">Generation prepared and not switched to, if any.</param>
public sealed record SessionStatus(SessionPhase Phase, string? Job, int Generation, IReadOnlyList<int> Ranks, long Step, int? PreparedGeneration);

/// <summary>Something a session did. Raised one at a time, in order.</summary>
public abstract record SessionEvent
{
    /// <summary>The job.</summary>
    public required string Job { get; init; }

    /// <summary>The generation that the event is about.</summary>
    public required int Generation { get; init; }

    /// <summary>The migration, if the event belongs to one.</summary>
    public string? Migration { get; init; }
}

/// <summary>A rank has been in a call of a group for longer than <see cref="SessionOptions.LongWait"/>: it waits for a peer. Said once for a call; one that computes says nothing.</summary>
/// <param name="Rank">Rank of this machine that waits.</param>
/// <param name="Step">The step that it is in, from 0.</param>
/// <param name="SinceMonotonicNs">Monotonic time at which it entered the call, nanoseconds.</param>
public sealed record RankWaits(int Rank, long Step, long SinceMonotonicNs) : SessionEvent;

/// <summary>A step was committed and applied.</summary>
/// <param name="Rank">Rank of this machine that completed it.</param>
/// <param name="Step">The step, from 0.</param>
/// <param name="Loss">Loss averaged over the ranks.</param>
/// <param name="Milliseconds">Length of the step.</param>
/// <param name="AtMonotonicNs">Monotonic time of its completion, nanoseconds.</param>
/// <param name="ComputeMilliseconds">Processor time of the rank's thread in the step, without that spent in collectives; null where another thread completed the step.</param>
/// <param name="Cores">How it divides among the processor cores that the thread was on; null where it is not known.</param>
public sealed record StepDone(int Rank, long Step, float Loss, double Milliseconds, long AtMonotonicNs, double? ComputeMilliseconds = null, IReadOnlyList<CoreShare>? Cores = null) : SessionEvent;

/// <summary>Time that a thread computed on one processor core.</summary>
/// <param name="Core">Number of the core, as the kernel gives it.</param>
/// <param name="Milliseconds">Processor time.</param>
public sealed record CoreShare(int Core, double Milliseconds);

/// <summary>This machine's part of the record of the first step is on shared storage; raised where something is recorded.</summary>
/// <param name="Failure">Why it is not, in one plain sentence; null when it is.</param>
public sealed record FirstStepRecorded(string? Failure) : SessionEvent;

/// <summary>A warm-up ended, well or not.</summary>
/// <param name="Shadow">The last shadow iteration: of the role whose replicas are kept, or the one that was not good.</param>
/// <param name="Roles">The roles of the job that this machine has run so far, in order (paper, general standby: first, last and middle stage).</param>
public sealed record WarmUpDone(ShadowResult Shadow, IReadOnlyList<WarmRole> Roles) : SessionEvent;

/// <summary>This machine holds the plans for the loss of each member, and its bootstrap connections with the standby; or, on the standby, those with all members.</summary>
/// <param name="Standby">The standby.</param>
public sealed record StandbyArmed(string Standby) : SessionEvent;

/// <summary>The armed standby is a replica of this machine, compared, and stays one.</summary>
/// <param name="Standby">The standby.</param>
public sealed record FollowerCaughtUp(string Standby) : SessionEvent;

/// <summary>Phase 1 is done here.</summary>
/// <param name="PlanDigest">Digest of the delta plan computed here.</param>
/// <param name="Milliseconds">Length of the preparation.</param>
/// <param name="DeviceBytes">Device memory that was allocated meanwhile, as metered, in bytes: 0 on a stayer, and what the rank has more than the role that was kept on a standby.</param>
/// <param name="Shadow">The joiner's shadow iteration; absent for others, and for a joiner only when it failed before.</param>
public sealed record PreparationDone(string PlanDigest, double Milliseconds, long DeviceBytes, ShadowResult? Shadow) : SessionEvent;

/// <summary>Phase 1 failed, or what it made was lost before the switch; the old group is unharmed.</summary>
/// <param name="Reason">Why, in one plain sentence.</param>
public sealed record PreparationLost(string Reason) : SessionEvent;

/// <summary>The switch is agreed: from here on there is no abort.</summary>
/// <param name="BoundaryStep">Steps completed at the boundary.</param>
public sealed record SwitchAgreed(long BoundaryStep) : SessionEvent;

/// <summary>One timed part of a switch.</summary>
/// <param name="Name">Name, for example <c>state-transfer</c>.</param>
/// <param name="StartMonotonicNs">Monotonic start, nanoseconds.</param>
/// <param name="EndMonotonicNs">Monotonic end, nanoseconds.</param>
public sealed record SwitchPhase(string Name, long StartMonotonicNs, long EndMonotonicNs);

/// <summary>Bytes that one machine moved in one phase of a migration.</summary>
/// <param name="Phase">
/// <c>preparation</c> and <c>switch</c>: messages over the bootstrap connections; <c>sandbox</c>: received is what the record answered, nothing is sent; <c>following</c> and
/// <c>state-transfer</c>: state and gradients, before the pause and in it.
/// </param>
/// <param name="Bytes">Sent and received there.</param>
public sealed record PhaseTraffic(string Phase, Traffic Bytes);

/// <summary>The first step on the new membership is completed here.</summary>
/// <param name="Ranks">Ranks of this machine.</param>
/// <param name="StoppedMonotonicNs">When training stopped: the boundary, or the failed call; nanoseconds.</param>
/// <param name="ResumedMonotonicNs">When it computed again; nanoseconds.</param>
/// <param name="ResumedStep">Steps completed when it computed again.</param>
/// <param name="LostSteps">Completed steps that were lost; 0 by construction of the commit.</param>
/// <param name="Connections">Connections of this member that changed.</param>
/// <param name="Planned">What the delta plan says of this member.</param>
/// <param name="StateBytes">State received while training stood still, in bytes.</param>
/// <param name="DeviceBytes">Device memory that was allocated since phase 1 was done, as metered, in bytes.</param>
/// <param name="Phases">Where the time went, in order.</param>
/// <param name="Source">From where the state came; null where this machine went on from its own.</param>
/// <param name="FollowedBytes">State and gradients received before the switch, while training went on, in bytes.</param>
public sealed record SwitchDone(
    IReadOnlyList<int> Ranks,
    long StoppedMonotonicNs,
    long ResumedMonotonicNs,
    long ResumedStep,
    long LostSteps,
    ConnectionCounts Connections,
    ConnectionCounts Planned,
    long StateBytes,
    long DeviceBytes,
    IReadOnlyList<SwitchPhase> Phases,
    SessionStateSource? Source,
    long FollowedBytes) : SessionEvent
{
    /// <summary>Bytes that this machine moved for the migration, by phase in order; a leaver has no report of its own, what it sent is what its joiner received.</summary>
    public IReadOnlyList<PhaseTraffic> Traffic { get; init; } = [];
}

/// <summary>From where a machine has the state that it goes on with.</summary>
public enum SessionStateSource
{
    /// <summary>The leaver.</summary>
    Leaver,

    /// <summary>Survivors that hold a copy.</summary>
    Peers,

    /// <summary>A checkpoint on shared storage.</summary>
    Checkpoint,
}

/// <summary>What was prepared is dropped; this session never votes for that generation.</summary>
public sealed record MigrationDropped : SessionEvent;

/// <summary>A request was refused.</summary>
/// <param name="RequestId">Id of the request.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
public sealed record RequestRefused(string RequestId, string Reason) : SessionEvent;

/// <summary>Training stopped because of a failure; the state is intact.</summary>
/// <param name="Step">Completed steps.</param>
/// <param name="Cause">Kind of failure.</param>
/// <param name="SuspectMachine">The machine that is suspected, where known.</param>
/// <param name="Detail">The failure in one plain sentence.</param>
/// <param name="AtMonotonicNs">Monotonic time of the failure, nanoseconds.</param>
public sealed record TrainingParked(long Step, string Cause, string? SuspectMachine, string Detail, long AtMonotonicNs) : SessionEvent;

/// <summary>The last step is trained here, and by all ranks.</summary>
/// <param name="Steps">Completed steps.</param>
/// <param name="Digests">For each rank of this machine, ascending: SHA-256 (hex) over parameters, optimizer moments, step and random state.</param>
public sealed record TrainingFinished(long Steps, IReadOnlyList<FinalDigest> Digests) : SessionEvent;

/// <summary>Final state of a rank.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="Digest">Digest of its state.</param>
public sealed record FinalDigest(int Rank, string Digest);
