using TrainMover.Contracts.Migrations;

namespace TrainMover.Contracts.Jobs;

/// <summary>A job was handed in; it starts when enough machines are available.</summary>
/// <param name="Spec">What to train.</param>
[EventType("trainmover.job.submitted.v1", Topics.Migrations)]
public sealed record JobSubmitted(JobSpec Spec);

/// <summary>The Planner gave every rank a machine; generation 1 begins.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Topology">Generation 1.</param>
[EventType("trainmover.job.started.v1", Topics.Migrations)]
public sealed record JobStarted(string JobId, JobTopology Topology);

/// <summary>A general standby was given to the job: it warms up by a shadow iteration and waits.</summary>
/// <param name="JobId">The job.</param>
/// <param name="MachineId">The standby.</param>
[EventType("trainmover.job.standby-assigned.v1", Topics.Migrations)]
public sealed record StandbyAssigned(string JobId, string MachineId);

/// <summary>A standby proved itself on this very job: its shadow iteration was bit-equal to the record.</summary>
/// <param name="JobId">The job.</param>
/// <param name="MachineId">The standby.</param>
/// <param name="ShadowMs">Length of the shadow iteration, warm-up included, in milliseconds.</param>
[EventType("trainmover.job.standby-ready.v1", Topics.Migrations)]
public sealed record StandbyReady(string JobId, string MachineId, double ShadowMs);

/// <summary>A standby failed its shadow iteration and cannot be trusted with the job.</summary>
/// <param name="JobId">The job.</param>
/// <param name="MachineId">The standby.</param>
/// <param name="Reason">What differed from the record.</param>
[EventType("trainmover.job.standby-rejected.v1", Topics.Migrations)]
public sealed record StandbyRejected(string JobId, string MachineId, string Reason);

/// <summary>
/// A warm standby is armed: the members of the running generation and the standby hold a plan for the loss of any one machine, with the standby in its place, before it happens. When a machine is lost all survivors
/// and the standby carry that plan out together without waiting for the control plane; the log then takes it over. Each of these plans has a generation of its own
/// (<see cref="GenerationWithout"/>); <see cref="Generation"/> itself is nobody's.
/// </summary>
/// <param name="JobId">The job.</param>
/// <param name="MachineId">The standby.</param>
/// <param name="Host">Address of its worker's listener.</param>
/// <param name="Port">Port of that listener.</param>
/// <param name="From">Generation whose members are armed.</param>
/// <param name="Generation">Generation under which the bootstrap connections with the standby are made.</param>
/// <param name="Ranks">Ranks of the job: as many generations after <see cref="Generation"/> are given out.</param>
/// <param name="PolicyVersion">Version of the planning policy that chose.</param>
[EventType("trainmover.job.standby-armed.v1", Topics.Migrations)]
public sealed record StandbyArmed(string JobId, string MachineId, string Host, int Port, int From, int Generation, int Ranks, string PolicyVersion)
{
    /// <summary>The last generation that is given out.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int LastGeneration => Generation + Ranks;

    /// <summary>The generation in which the standby has the place of the machine whose lowest rank is <paramref name="lowestRank"/>.</summary>
    /// <param name="lowestRank">Rank, from 0.</param>
    public int GenerationWithout(int lowestRank) => Generation + 1 + lowestRank;

    /// <summary>The lowest rank of the machine that a generation goes on without; null where it is none of the given out ones.</summary>
    /// <param name="generation">A generation.</param>
    public int? RankLostIn(int generation) => generation > Generation && generation <= LastGeneration ? generation - Generation - 1 : null;
}

/// <summary>
/// The armed standby is hot: it is a replica of a member's ranks and follows each of its steps, so after the loss of another machine with the same part of the
/// model no state has to be copied while training stands still. It is so until it is armed anew, falls behind by more than the host memory that it is given, or a plan is opened.
/// </summary>
/// <param name="JobId">The job.</param>
/// <param name="MachineId">The standby.</param>
/// <param name="Followed">The member that it follows.</param>
/// <param name="Generation">Generation that was given out for arming.</param>
[EventType("trainmover.job.standby-caught-up.v1", Topics.Migrations)]
public sealed record StandbyCaughtUp(string JobId, string MachineId, string Followed, int Generation);

/// <summary>A plan took hold of the job: no other plan may, until it ends.</summary>
/// <param name="JobId">The job.</param>
/// <param name="MigrationId">The migration.</param>
/// <param name="Generation">Generation the migration leads to.</param>
[EventType("trainmover.job.migration-opened.v1", Topics.Migrations)]
public sealed record JobMigrationOpened(string JobId, string MigrationId, int Generation);

/// <summary>The plan let go of the job.</summary>
/// <param name="JobId">The job.</param>
/// <param name="MigrationId">The migration.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Topology">The topology from now on: the new one when completed, the old one otherwise.</param>
[EventType("trainmover.job.migration-closed.v1", Topics.Migrations)]
public sealed record JobMigrationClosed(string JobId, string MigrationId, MigrationOutcome Outcome, JobTopology Topology);

/// <summary>Final state of one rank.</summary>
/// <param name="Rank">Rank.</param>
/// <param name="MachineId">Machine that held it at the end.</param>
/// <param name="Digest">SHA-256 (hex) over parameters, optimizer moments, step and random state.</param>
public sealed record RankDigest(int Rank, string MachineId, string Digest);

/// <summary>One rank trained its last step.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Steps">Completed steps.</param>
/// <param name="Digest">The rank's final state.</param>
[EventType("trainmover.job.rank-finished.v1", Topics.Migrations)]
public sealed record JobRankFinished(string JobId, long Steps, RankDigest Digest);

/// <summary>All ranks trained all steps.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Steps">Completed steps.</param>
/// <param name="Digests">Final state of every rank, ordered by rank.</param>
[EventType("trainmover.job.completed.v1", Topics.Migrations)]
public sealed record JobCompleted(string JobId, long Steps, IReadOnlyList<RankDigest> Digests);
