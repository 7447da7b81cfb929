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

    /// <summary>Data-parallel peers, which hold identical copies: each sends a part.</summary>
    [JsonStringEnumMemberName("data-parallel-peer")] DataParallelPeer,

    /// <summary>The newest checkpoint that all ranks have; steps after it are trained again.</summary>
    [JsonStringEnumMemberName("checkpoint")] Checkpoint,
}

/// <summary>One leaver and the joiner that takes its exact role.</summary>
/// <param name="Leaver">Machine that leaves.</param>
/// <param name="Joiner">Machine that takes its role.</param>
/// <param name="Ranks">The ranks that move, ascending: all of the leaver's.</param>
public sealed record MachineMove(string Leaver, string Joiner, IReadOnlyList<int> Ranks);

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
/// <param name="StateSource">From where the joiners get their state: the best source that is available. Where it fails, the next one in the order of <see cref="Migrations.StateSource"/> takes over.</param>
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
    long? FaultMonotonicNs = null)
{
    /// <summary>Id of the migration of a job to a generation.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="generation">The generation it leads to.</param>
    public static string IdOf(string jobId, int generation) => $"{jobId}-g{generation}";
}
