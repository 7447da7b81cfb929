using System.Text.Json.Serialization;

namespace TrainMover.Contracts.Migrations;

/// <summary>The Planner committed to a plan.</summary>
/// <param name="Plan">The plan.</param>
[EventType("trainmover.migration.planned.v1", Topics.Migrations)]
public sealed record MigrationPlanned(MigrationPlan Plan);

/// <summary>The Executor ordered every participant to prepare.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="Participants">Machines that must report ready, sorted.</param>
[EventType("trainmover.migration.preparation-started.v1", Topics.Migrations)]
public sealed record PreparationStarted(string MigrationId, string JobId, IReadOnlyList<string> Participants);

/// <summary>Result of a joiner's shadow iteration.</summary>
/// <param name="Good">What it sent, its loss and its gradients were bit-equal to the record.</param>
/// <param name="Reason">What differed, where it was not good.</param>
/// <param name="Ms">Length in milliseconds.</param>
/// <param name="BytesAnswered">Bytes answered from the record.</param>
/// <param name="BytesLeft">Bytes that left the sandbox; always 0.</param>
public sealed record ShadowOutcome(bool Good, string? Reason, double Ms, long BytesAnswered, long BytesLeft);

/// <summary>A participant finished phase 1.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="MachineId">The participant.</param>
/// <param name="PlanDigest">Digest of the delta plan that it computed by itself.</param>
/// <param name="PrepareMs">Length of its preparation in milliseconds.</param>
/// <param name="DeviceBytes">Device memory allocated by the preparation, in bytes; 0 on a stayer.</param>
/// <param name="Shadow">The joiner's shadow iteration; absent for others.</param>
[EventType("trainmover.migration.participant-ready.v1", Topics.Migrations)]
public sealed record ParticipantReady(
    string MigrationId, string JobId, string MachineId, string PlanDigest, double PrepareMs, long DeviceBytes, ShadowOutcome? Shadow = null);

/// <summary>All participants were ready with one digest; the switch was ordered.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="PlanDigest">The digest on which all agree.</param>
[EventType("trainmover.migration.switch-ordered.v1", Topics.Migrations)]
public sealed record SwitchOrdered(string MigrationId, string JobId, string PlanDigest);

/// <summary>The members agreed on the boundary of the switch: from here on there is no abort.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="BoundaryStep">Steps completed at the boundary.</param>
/// <param name="MachineId">Machine whose report came first.</param>
[EventType("trainmover.migration.switch-agreed.v1", Topics.Migrations)]
public sealed record SwitchAgreed(string MigrationId, string JobId, long BoundaryStep, string MachineId);

/// <summary>Changes of connections.</summary>
/// <param name="Kept">Connections that stayed open.</param>
/// <param name="Inherited">Channels inside a machine that were taken over.</param>
/// <param name="Removed">Connections closed.</param>
/// <param name="Added">Connections opened.</param>
public sealed record ConnectionDelta(int Kept, int Inherited, int Removed, int Added);

/// <summary>One timed part of a switch on one participant.</summary>
/// <param name="Name">Name of the part, for example <c>state-transfer</c>.</param>
/// <param name="StartMonotonicNs">Monotonic start, nanoseconds.</param>
/// <param name="EndMonotonicNs">Monotonic end, nanoseconds.</param>
public sealed record TimedPhase(string Name, long StartMonotonicNs, long EndMonotonicNs);

/// <summary>Bytes that one member moved in one phase of a migration.</summary>
/// <param name="Name">
/// <c>preparation</c> and <c>switch</c>: messages between the machines; <c>sandbox</c>: received is what the record answered, nothing is sent; <c>following</c> and <c>state-transfer</c>: state and
/// gradients, before the pause and in it.
/// </param>
/// <param name="SentBytes">Bytes sent.</param>
/// <param name="ReceivedBytes">Bytes received.</param>
public sealed record PhaseBytes(string Name, long SentBytes, long ReceivedBytes);

/// <summary>What the switch was like on one member of the new generation.</summary>
/// <param name="MachineId">The member.</param>
/// <param name="Ranks">Its ranks, ascending.</param>
/// <param name="StoppedMonotonicNs">When its training stopped: the boundary, or the failed call.</param>
/// <param name="ResumedMonotonicNs">When it computed again.</param>
/// <param name="ResumedStep">Steps completed when it computed again.</param>
/// <param name="LostSteps">Completed steps that were lost; 0 wherever a copy survived.</param>
/// <param name="Connections">Connections of this member that changed.</param>
/// <param name="PlannedConnections">What the delta plan says of this member.</param>
/// <param name="StateBytes">State received while training stood still, in bytes; 0 on a stayer that went on from its own.</param>
/// <param name="DeviceBytes">Device memory allocated by the switch, in bytes; 0 on a stayer.</param>
/// <param name="Phases">Where its time went.</param>
/// <param name="StateSource">From where its state came; absent where it went on from its own.</param>
/// <param name="FollowedBytes">State and gradients received before the switch, while training went on, in bytes.</param>
/// <param name="Traffic">Bytes that it moved for the migration, by phase; a leaver reports none, what it sent is what its joiner received. Absent in events of earlier versions.</param>
public sealed record SwitchReport(
    string MachineId,
    IReadOnlyList<int> Ranks,
    long StoppedMonotonicNs,
    long ResumedMonotonicNs,
    long ResumedStep,
    long LostSteps,
    ConnectionDelta Connections,
    ConnectionDelta PlannedConnections,
    long StateBytes,
    long DeviceBytes,
    IReadOnlyList<TimedPhase> Phases,
    StateSource? StateSource = null,
    long FollowedBytes = 0,
    IReadOnlyList<PhaseBytes>? Traffic = null);

/// <summary>A member of the new generation completed its first step on it.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="Switch">What the switch was like there.</param>
[EventType("trainmover.migration.participant-switched.v1", Topics.Migrations)]
public sealed record ParticipantSwitched(string MigrationId, string JobId, SwitchReport Switch);

/// <summary>Every member completed its first step on the new membership.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="PauseMs">From the moment training stopped (expected: the boundary; unexpected: the fault) until the last member computed again, in milliseconds.</param>
/// <param name="LostSteps">Completed steps that were lost.</param>
/// <param name="Connections">Connections of the whole job that changed, each counted once.</param>
/// <param name="StateBytes">State moved, in bytes.</param>
/// <param name="StayerDeviceBytes">Device memory allocated on stayers by preparation and switch, in bytes.</param>
[EventType("trainmover.migration.completed.v1", Topics.Migrations)]
public sealed record MigrationCompleted(
    string MigrationId, string JobId, double PauseMs, long LostSteps, ConnectionDelta Connections, long StateBytes, long StayerDeviceBytes);

/// <summary>The Executor ordered the participants to give up; refused by whoever has already agreed to the switch.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="Phase">Phase in which it was given up.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
[EventType("trainmover.migration.abort-ordered.v1", Topics.Migrations)]
public sealed record AbortOrdered(string MigrationId, string JobId, MigrationPhase Phase, string Reason);

/// <summary>The migration was given up; the old membership is unharmed.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="Phase">Phase in which it was given up.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
[EventType("trainmover.migration.aborted.v1", Topics.Migrations)]
public sealed record MigrationAborted(string MigrationId, string JobId, MigrationPhase Phase, string Reason);

/// <summary>The leaver of an expected migration died half-way: it goes on as an unexpected one, with a joiner that is already warm.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="InterruptionId">The interruption that tells of the death.</param>
/// <param name="FaultMonotonicNs">Monotonic time stamp of the fault, where known; nanoseconds.</param>
[EventType("trainmover.migration.escalated.v1", Topics.Migrations)]
public sealed record MigrationEscalated(string MigrationId, string JobId, string InterruptionId, long? FaultMonotonicNs = null);

/// <summary>A member of the new generation was lost after the switch was agreed: a further generation takes over.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
[EventType("trainmover.migration.superseded.v1", Topics.Migrations)]
public sealed record MigrationSuperseded(string MigrationId, string JobId, string Reason);

/// <summary>An agent refused an order, because it is of an older generation or comes too late.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="JobId">The job.</param>
/// <param name="MachineId">The machine.</param>
/// <param name="Order">Type of the order.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
[EventType("trainmover.migration.order-refused.v1", Topics.Migrations)]
public sealed record OrderRefused(string MigrationId, string JobId, string MachineId, string Order, string Reason);

/// <summary>Where a migration stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MigrationPhase>))]
public enum MigrationPhase
{
    /// <summary>Planned, nobody was told yet.</summary>
    [JsonStringEnumMemberName("planned")] Planned,

    /// <summary>Participants prepare while the old membership trains on.</summary>
    [JsonStringEnumMemberName("preparing")] Preparing,

    /// <summary>The switch was ordered and not yet agreed.</summary>
    [JsonStringEnumMemberName("switching")] Switching,

    /// <summary>The boundary was agreed; no abort any more.</summary>
    [JsonStringEnumMemberName("agreed")] Agreed,

    /// <summary>Abort was ordered, no voter confirmed it yet.</summary>
    [JsonStringEnumMemberName("aborting")] Aborting,

    /// <summary>Completed.</summary>
    [JsonStringEnumMemberName("completed")] Completed,

    /// <summary>Aborted.</summary>
    [JsonStringEnumMemberName("aborted")] Aborted,

    /// <summary>A further generation took over after the switch was agreed.</summary>
    [JsonStringEnumMemberName("superseded")] Superseded,
}
