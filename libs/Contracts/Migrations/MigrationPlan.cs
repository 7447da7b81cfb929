using System.Text.Json.Serialization;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;

namespace TrainMover.Contracts.Migrations;

/// <summary>How a migration ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MigrationOutcome>))]
public enum MigrationOutcome
{
    /// <summary>The first step on the new membership was completed.</summary>
    [JsonStringEnumMemberName("completed")] Completed,

    /// <summary>Given up before the switch was agreed; the old membership is unharmed.</summary>
    [JsonStringEnumMemberName("aborted")] Aborted,

    /// <summary>A member was lost after the switch was agreed and before it was completed: a further generation goes on from the new membership.</summary>
    [JsonStringEnumMemberName("superseded")] Superseded,
}

/// <summary>From where the joiner gets its state, best first (paper, state).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StateSource>))]
public enum StateSource
{
    /// <summary>The leaver, which is alive.</summary>
    [JsonStringEnumMemberName("leaver")] Leaver,

    /// <summary>A data-parallel peer, which holds an identical copy.</summary>
    [JsonStringEnumMemberName("data-parallel-peer")] DataParallelPeer,
}

/// <summary>One leaver and the joiner that takes its exact role.</summary>
/// <param name="Leaver">Machine that leaves.</param>
/// <param name="Joiner">Machine that takes its role.</param>
/// <param name="Rank">The rank that moves.</param>
public sealed record MachineMove(string Leaver, string Joiner, int Rank);

/// <summary>A machine that was weighed as joiner.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Score">Higher is better; only comparable inside one plan. Negative: could not be chosen.</param>
/// <param name="Chosen">Whether it became the joiner.</param>
/// <param name="Why">What spoke for or against it, in one plain sentence.</param>
public sealed record Candidate(string MachineId, double Score, bool Chosen, string Why);

/// <summary>The committed plan of a migration: all that a participant needs to act, and a reader to understand it.</summary>
/// <param name="MigrationId">Id; the same decision taken twice has the same id.</param>
/// <param name="JobId">The job.</param>
/// <param name="Kind">Expected: the job trains on until the switch. Unexpected: it has stopped.</param>
/// <param name="From">Membership that is left.</param>
/// <param name="To">Membership that is switched to; ring positions are kept.</param>
/// <param name="Moves">Leavers and their joiners.</param>
/// <param name="StateSource">From where the joiners get their state.</param>
/// <param name="Layout">The job's layout.</param>
/// <param name="Reason">Why the migration takes place, in one plain sentence.</param>
/// <param name="Interruptions">Ids of the interruptions it answers.</param>
/// <param name="Candidates">All machines that were weighed, best first.</param>
/// <param name="PolicyVersion">Version of the planning policy that chose.</param>
/// <param name="Deadline">When the preparation is given up.</param>
/// <param name="FaultMonotonicNs">Monotonic time stamp of the fault, where known; nanoseconds.</param>
public sealed record MigrationPlan(
    string MigrationId,
    string JobId,
    InterruptionKind Kind,
    JobTopology From,
    JobTopology To,
    IReadOnlyList<MachineMove> Moves,
    StateSource StateSource,
    JobLayout Layout,
    string Reason,
    IReadOnlyList<string> Interruptions,
    IReadOnlyList<Candidate> Candidates,
    string PolicyVersion,
    DateTimeOffset Deadline,
    long? FaultMonotonicNs = null);
