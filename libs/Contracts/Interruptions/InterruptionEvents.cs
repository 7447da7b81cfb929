using System.Text.Json.Serialization;

namespace TrainMover.Contracts.Interruptions;

/// <summary>Whether training goes on until the switch.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<InterruptionKind>))]
public enum InterruptionKind
{
    /// <summary>Advance notice, or the job is alive but slow.</summary>
    [JsonStringEnumMemberName("expected")] Expected,

    /// <summary>A crash without notice: training has stopped.</summary>
    [JsonStringEnumMemberName("unexpected")] Unexpected,
}

/// <summary>What has to be done about an interruption, from heaviest to lightest (Unicron's tiers, in its numbering).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Severity>))]
public enum Severity
{
    /// <summary>Replace the machine.</summary>
    [JsonStringEnumMemberName("replace")] Replace = 1,

    /// <summary>Restart the process (for a lost agent: the agent; its worker trains on).</summary>
    [JsonStringEnumMemberName("restart")] Restart = 2,

    /// <summary>Try again in place.</summary>
    [JsonStringEnumMemberName("reattempt")] Reattempt = 3,
}

/// <summary>Why a machine is interrupted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<InterruptionCause>))]
public enum InterruptionCause
{
    /// <summary>The worker process ended without being told to.</summary>
    [JsonStringEnumMemberName("worker-death")] WorkerDeath,

    /// <summary>The worker process is there, but its peers do not hear from it.</summary>
    [JsonStringEnumMemberName("worker-unreachable")] WorkerUnreachable,

    /// <summary>Agent and worker are silent.</summary>
    [JsonStringEnumMemberName("machine-loss")] MachineLoss,

    /// <summary>Only the agent is silent; the worker trains on.</summary>
    [JsonStringEnumMemberName("agent-loss")] AgentLoss,

    /// <summary>A maintenance or rebalancing notice.</summary>
    [JsonStringEnumMemberName("maintenance")] Maintenance,

    /// <summary>An operator asked for it.</summary>
    [JsonStringEnumMemberName("manual")] Manual,

    /// <summary>An error code that the policy answers with replacement.</summary>
    [JsonStringEnumMemberName("error-code")] ErrorCode,

    /// <summary>Heat keeps the clock of a device down.</summary>
    [JsonStringEnumMemberName("thermal-throttle")] ThermalThrottle,

    /// <summary>Something else than heat keeps the clock of a device down while it is busy.</summary>
    [JsonStringEnumMemberName("clock-throttle")] ClockThrottle,

    /// <summary>Memory of a device fails.</summary>
    [JsonStringEnumMemberName("memory-error")] MemoryError,

    /// <summary>A link of a device has errors, is down, or goes down again and again.</summary>
    [JsonStringEnumMemberName("link-error")] LinkError,

    /// <summary>The worker computes longer than its peers on the same work.</summary>
    [JsonStringEnumMemberName("slow-worker")] SlowWorker,

    /// <summary>The job makes no progress, and this worker is what it waits for; or nobody knows for whom, and all of its machines are named.</summary>
    [JsonStringEnumMemberName("hang")] Hang,

    /// <summary>The loss is no number, or left its course and did not come back.</summary>
    [JsonStringEnumMemberName("loss-corruption")] LossCorruption,

    /// <summary>Metrics of the machine left what a learned model calls normal for its class.</summary>
    [JsonStringEnumMemberName("metric-anomaly")] MetricAnomaly,
}

/// <summary>One observation that led to an interruption.</summary>
/// <param name="Source">Who observed (CloudEvents source of the message).</param>
/// <param name="MessageId">CloudEvents id of the message.</param>
/// <param name="Observation">The observation in one plain sentence.</param>
public sealed record Evidence(string Source, string MessageId, string Observation);

/// <summary>A detector decided that machines are interrupted.</summary>
/// <param name="InterruptionId">Id; the same cause seen twice gives the same id.</param>
/// <param name="Kind">Expected or unexpected.</param>
/// <param name="Cause">Why.</param>
/// <param name="Severity">What has to be done.</param>
/// <param name="Machines">Affected machines, sorted; at least one.</param>
/// <param name="Reason">The reason in one plain sentence.</param>
/// <param name="Detector">Detector and version of its settings: <c>hang-2</c> judged under the second <c>detector.tuned</c> of <c>hang</c>.</param>
/// <param name="Evidence">What it was decided on.</param>
/// <param name="FaultMonotonicNs">Monotonic time stamp of the fault itself, where whoever saw or injected it stamped it; nanoseconds.</param>
/// <param name="RuledOut">Other explanations that the detector looked at, each in a sentence that says why it does not hold.</param>
[EventType("trainmover.interruption.raised.v1", Topics.Interruptions)]
public sealed record InterruptionRaised(
    string InterruptionId,
    InterruptionKind Kind,
    InterruptionCause Cause,
    Severity Severity,
    IReadOnlyList<string> Machines,
    string Reason,
    string Detector,
    IReadOnlyList<Evidence> Evidence,
    long? FaultMonotonicNs = null,
    IReadOnlyList<string>? RuledOut = null);

/// <summary>A detector found something, and waits a short time for others of the same cause before it is raised, by itself or as part of one interruption of many machines.</summary>
/// <param name="InterruptionId">Id that the interruption would have by itself.</param>
/// <param name="Finding">What was found.</param>
/// <param name="Reason">What it waits for, in one plain sentence.</param>
[EventType("trainmover.interruption.held.v1", Topics.Interruptions)]
public sealed record InterruptionHeld(string InterruptionId, InterruptionRaised Finding, string Reason);

/// <summary>Something was found that is not raised by itself: by a detector that only logs, or as one of many of the same cause that are raised together. Nobody acts on it.</summary>
/// <param name="InterruptionId">Id that the interruption would have.</param>
/// <param name="Finding">What would have been raised.</param>
/// <param name="Reason">Why it was not, in one plain sentence.</param>
[EventType("trainmover.interruption.suppressed.v1", Topics.Interruptions)]
public sealed record InterruptionSuppressed(string InterruptionId, InterruptionRaised Finding, string Reason);

/// <summary>A migration answered the interruption.</summary>
/// <param name="InterruptionId">The interruption.</param>
/// <param name="MigrationId">The migration that answered it.</param>
[EventType("trainmover.interruption.resolved.v1", Topics.Interruptions)]
public sealed record InterruptionResolved(string InterruptionId, string MigrationId);

/// <summary>The cause went away by itself.</summary>
/// <param name="InterruptionId">The interruption.</param>
/// <param name="Reason">How that is known.</param>
[EventType("trainmover.interruption.recovered.v1", Topics.Interruptions)]
public sealed record InterruptionRecovered(string InterruptionId, string Reason);
