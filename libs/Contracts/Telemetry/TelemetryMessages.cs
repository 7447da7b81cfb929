using System.Text.Json.Serialization;

namespace TrainMover.Contracts.Telemetry;

/// <summary>The agent of a machine is alive.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="WorkerPid">Process id of its worker, if one runs.</param>
/// <param name="MonotonicNs">Monotonic time stamp; nanoseconds.</param>
/// <param name="WorkerStopped">The worker process is stopped, by a signal or a debugger: it exists and does nothing. Absent where it runs, or nobody looked.</param>
[EventType("trainmover.telemetry.heartbeat.v1", Topics.Telemetry)]
public sealed record Heartbeat(string MachineId, int? WorkerPid, long MonotonicNs, bool? WorkerStopped = null);

/// <summary>A rank completed a step.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="JobId">The job.</param>
/// <param name="Generation">Generation in which the step was committed.</param>
/// <param name="Rank">The rank.</param>
/// <param name="Step">The step, from 0.</param>
/// <param name="Loss">Loss averaged over the data-parallel ranks; <c>"NaN"</c>, <c>"Infinity"</c> or <c>"-Infinity"</c> where training diverged.</param>
/// <param name="LossBits">The raw bits of the float, for comparison bit for bit.</param>
/// <param name="Ms">Length of the step in milliseconds.</param>
/// <param name="MonotonicNs">Monotonic time of its completion; nanoseconds.</param>
/// <param name="ComputeMs">Processor time of the rank's computing thread in the step, without what it spent in collectives; milliseconds. What a rank waits for its peers is not in it.</param>
/// <param name="Cores">
/// How that time divides among processor cores. Ranks that computed on the same core are measured against each other, since cores that others use too are not equally fast. Absent where it is not known; ranks with processors
/// of their own need not say it.
/// </param>
[EventType("trainmover.telemetry.step-completed.v1", Topics.Telemetry)]
public sealed record StepCompleted(
    string MachineId, string JobId, int Generation, int Rank, long Step,
    [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] float Loss, uint LossBits, double Ms, long MonotonicNs, double? ComputeMs = null,
    IReadOnlyList<CoreTime>? Cores = null);

/// <summary>Time that a rank computed on one processor core.</summary>
/// <param name="Core">The core: the same text for the same core, different ones for cores of different hosts.</param>
/// <param name="Ms">Processor time in milliseconds.</param>
public sealed record CoreTime(string Core, double Ms);

/// <summary>The worker process of a machine ended.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="Ordered">It ended because it was told to.</param>
/// <param name="JobId">Job it worked for, if any.</param>
/// <param name="Generation">Generation in which it trained.</param>
/// <param name="Detail">Exit code or signal, in one plain sentence.</param>
/// <param name="MonotonicNs">Monotonic time at which it was seen; nanoseconds.</param>
[EventType("trainmover.telemetry.worker-exited.v1", Topics.Telemetry)]
public sealed record WorkerExited(string MachineId, int Pid, bool Ordered, string? JobId, int Generation, string Detail, long MonotonicNs);

/// <summary>A member of a group found a peer unreachable.</summary>
/// <param name="MachineId">The machine that reports.</param>
/// <param name="JobId">The job.</param>
/// <param name="Generation">The generation that failed.</param>
/// <param name="SuspectMachine">The peer.</param>
/// <param name="Detail">What the transport saw.</param>
/// <param name="MonotonicNs">Monotonic time stamp; nanoseconds.</param>
[EventType("trainmover.telemetry.peer-unreachable.v1", Topics.Telemetry)]
public sealed record PeerUnreachable(string MachineId, string JobId, int Generation, string SuspectMachine, string Detail, long MonotonicNs);

/// <summary>
/// A rank has been in a call of one of its groups for a second and longer: it waits for a peer. Said once for a call, so where a job stands still, the one rank that does not say so is the one that never arrived.
/// </summary>
/// <param name="MachineId">The machine of the rank.</param>
/// <param name="JobId">The job.</param>
/// <param name="Generation">The generation in which it trains.</param>
/// <param name="Rank">The rank.</param>
/// <param name="Step">The step that it is in, from 0.</param>
/// <param name="SinceMonotonicNs">Monotonic time at which it entered the call; nanoseconds.</param>
[EventType("trainmover.telemetry.rank-waiting.v1", Topics.Telemetry)]
public sealed record RankWaiting(string MachineId, string JobId, int Generation, int Rank, long Step, long SinceMonotonicNs);

/// <summary>A telemetry source reports an error code of a machine; the error-code policy says what follows.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Code">The code, for example <c>xid-79</c>.</param>
/// <param name="Detail">Free text.</param>
/// <param name="MonotonicNs">Monotonic time stamp of the fault where the source stamps it; nanoseconds.</param>
[EventType("trainmover.telemetry.fault-reported.v1", Topics.Telemetry)]
public sealed record FaultReported(string MachineId, string Code, string? Detail = null, long? MonotonicNs = null);

/// <summary>A management calendar announces that a machine has to be left.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Reason">Why, for example <c>firmware update</c>.</param>
/// <param name="NotBefore">When the maintenance begins, where known.</param>
/// <param name="MonotonicNs">Monotonic time stamp of the notice where the source stamps it; nanoseconds.</param>
[EventType("trainmover.telemetry.maintenance-scheduled.v1", Topics.Telemetry)]
public sealed record MaintenanceScheduled(string MachineId, string Reason, DateTimeOffset? NotBefore = null, long? MonotonicNs = null);

/// <summary>An operator asks for a machine to be replaced.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Reason">Why.</param>
/// <param name="RequestedBy">Who asks.</param>
/// <param name="MonotonicNs">Monotonic time stamp; nanoseconds.</param>
[EventType("trainmover.telemetry.replacement-requested.v1", Topics.Telemetry)]
public sealed record ReplacementRequested(string MachineId, string Reason, string RequestedBy, long? MonotonicNs = null);
