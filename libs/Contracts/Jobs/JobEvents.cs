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
