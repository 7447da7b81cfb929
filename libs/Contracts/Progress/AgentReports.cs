using System.Text.Json.Serialization;
using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;

namespace TrainMover.Contracts.Progress;

/// <summary>What the worker of a machine is doing.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<WorkerPhase>))]
public enum WorkerPhase
{
    /// <summary>Runs, holds no rank.</summary>
    [JsonStringEnumMemberName("idle")] Idle,

    /// <summary>Proved by a shadow iteration, holds no rank.</summary>
    [JsonStringEnumMemberName("warm")] Warm,

    /// <summary>Trains.</summary>
    [JsonStringEnumMemberName("training")] Training,

    /// <summary>Training stopped by a failed peer; waits for orders with its state intact.</summary>
    [JsonStringEnumMemberName("parked")] Parked,

    /// <summary>Left the job with its state intact, until released.</summary>
    [JsonStringEnumMemberName("left")] Left,

    /// <summary>Trained all steps.</summary>
    [JsonStringEnumMemberName("finished")] Finished,

    /// <summary>Prepares as joiner.</summary>
    [JsonStringEnumMemberName("joining")] Joining,
}

/// <summary>What a worker says of itself when asked.</summary>
/// <param name="Phase">What it does.</param>
/// <param name="Pid">Process id.</param>
/// <param name="Host">Address of its data-plane listener.</param>
/// <param name="Port">Port of that listener.</param>
/// <param name="JobId">Its job, if any.</param>
/// <param name="Generation">Generation in which it trains; 0 without a job.</param>
/// <param name="Ranks">Its ranks, ascending; absent without a rank.</param>
/// <param name="Step">Completed steps.</param>
/// <param name="PreparedGeneration">Generation that it has prepared and not switched to, if any.</param>
public sealed record WorkerStatus(
    WorkerPhase Phase, int Pid, string Host, int Port, string? JobId = null, int Generation = 0, IReadOnlyList<int>? Ranks = null, long Step = 0, int? PreparedGeneration = null);

/// <summary>What a machine reports of orders and of its worker; the body of <see cref="AgentReport"/>.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "report")]
[JsonDerivedType(typeof(Announced), "announced")]
[JsonDerivedType(typeof(WarmedUp), "warmed-up")]
[JsonDerivedType(typeof(CaughtUp), "caught-up")]
[JsonDerivedType(typeof(Prepared), "prepared")]
[JsonDerivedType(typeof(PreparationFailed), "preparation-failed")]
[JsonDerivedType(typeof(Agreed), "agreed")]
[JsonDerivedType(typeof(Switched), "switched")]
[JsonDerivedType(typeof(Aborted), "aborted")]
[JsonDerivedType(typeof(Refused), "refused")]
[JsonDerivedType(typeof(Parked), "parked")]
[JsonDerivedType(typeof(WorkerLost), "worker-lost")]
[JsonDerivedType(typeof(Finished), "finished")]
public abstract record MachineReport
{
    /// <summary>The machine that reports.</summary>
    public required string MachineId { get; init; }

    /// <summary>Generation which the report is about; 0 without a job.</summary>
    public required int Generation { get; init; }

    /// <summary>The job, if any.</summary>
    public string? JobId { get; init; }

    /// <summary>The migration, if any.</summary>
    public string? MigrationId { get; init; }
}

/// <summary>The agent connected, or its worker changed: state of the machine, so that open orders can be issued again.</summary>
/// <param name="Role">What the machine is kept for.</param>
/// <param name="Worker">The worker.</param>
/// <param name="Behind">What the machine shares with others, and fails with: the name of a switch or of a rack, where the agent knows it.</param>
public sealed record Announced(MachineRole Role, WorkerStatus Worker, string? Behind = null) : MachineReport;

/// <summary>A standby finished its warm-up.</summary>
/// <param name="Shadow">The shadow iteration.</param>
public sealed record WarmedUp(ShadowOutcome Shadow) : MachineReport;

/// <summary>
/// An armed standby follows this machine and has become a replica of its ranks. <see cref="MachineReport.Generation"/> is the one that was given out for arming.
/// </summary>
/// <param name="Standby">The standby.</param>
public sealed record CaughtUp(string Standby) : MachineReport;

/// <summary>Phase 1 is done here.</summary>
/// <param name="PlanDigest">Digest of the delta plan computed here.</param>
/// <param name="PrepareMs">Length in milliseconds.</param>
/// <param name="DeviceBytes">Device memory allocated, in bytes.</param>
/// <param name="Shadow">The joiner's shadow iteration; absent for others.</param>
public sealed record Prepared(string PlanDigest, double PrepareMs, long DeviceBytes, ShadowOutcome? Shadow = null) : MachineReport;

/// <summary>Phase 1 failed here; the old group is unharmed.</summary>
/// <param name="Reason">Why, in one plain sentence.</param>
public sealed record PreparationFailed(string Reason) : MachineReport;

/// <summary>The switch is agreed.</summary>
/// <param name="BoundaryStep">Steps completed at the boundary.</param>
public sealed record Agreed(long BoundaryStep) : MachineReport;

/// <summary>The first step on the new membership is completed here.</summary>
/// <param name="Switch">What the switch was like.</param>
public sealed record Switched(SwitchReport Switch) : MachineReport;

/// <summary>What was prepared is dropped; this machine can no longer vote for the switch.</summary>
public sealed record Aborted : MachineReport;

/// <summary>An order was refused.</summary>
/// <param name="Order">The order's id.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
public sealed record Refused(string Order, string Reason) : MachineReport;

/// <summary>Training stopped here because a member of the group failed; the state is intact.</summary>
/// <param name="Step">Completed steps.</param>
/// <param name="Cause">Kind of failure, as the transport saw it.</param>
/// <param name="SuspectMachine">The machine that is suspected, where known.</param>
/// <param name="Detail">The failure in one plain sentence.</param>
/// <param name="AtMonotonicNs">Monotonic time stamp; nanoseconds.</param>
public sealed record Parked(long Step, string Cause, string? SuspectMachine, string Detail, long AtMonotonicNs) : MachineReport;

/// <summary>
/// The worker's process ended or is ending, ordered or not: what it had prepared is gone, and the machine takes part in nothing until the next one is announced.
/// </summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Port">Port of its data-plane listener, by which plans know it.</param>
/// <param name="Detail">How it ended, in one plain sentence.</param>
public sealed record WorkerLost(int Pid, int Port, string Detail) : MachineReport;

/// <summary>The last step is trained here.</summary>
/// <param name="Steps">Completed steps.</param>
/// <param name="Digests">Final state of the machine's ranks, ascending.</param>
public sealed record Finished(long Steps, IReadOnlyList<RankDigest> Digests) : MachineReport;

/// <summary>The message that carries a report on <see cref="Topics.Progress"/>.</summary>
/// <param name="Report">The report.</param>
[EventType("trainmover.report.v1", Topics.Progress)]
public sealed record AgentReport(MachineReport Report);
