using System.Text.Json.Serialization;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;

namespace TrainMover.Contracts.Commands;

/// <summary>An order to one machine. Orders are idempotent; agents drop repeats by (job, generation, order id) and refuse older generations.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "order")]
[JsonDerivedType(typeof(StartTraining), "start-training")]
[JsonDerivedType(typeof(WarmUp), "warm-up")]
[JsonDerivedType(typeof(Arm), "arm")]
[JsonDerivedType(typeof(Prepare), "prepare")]
[JsonDerivedType(typeof(Switch), "switch")]
[JsonDerivedType(typeof(Abort), "abort")]
[JsonDerivedType(typeof(Release), "release")]
public abstract record AgentOrder
{
    /// <summary>Machine to which the order goes.</summary>
    public required string MachineId { get; init; }

    /// <summary>Job that it concerns.</summary>
    public required string JobId { get; init; }

    /// <summary>Generation of the job that the order serves.</summary>
    public required int Generation { get; init; }

    /// <summary>Same for every repeat of the same order, for example <c>MIGRATION:prepare</c>.</summary>
    public required string OrderId { get; init; }
}

/// <summary>Take the ranks that the first generation of a job gives the machine.</summary>
/// <param name="Job">What to train.</param>
/// <param name="Topology">Generation 1.</param>
public sealed record StartTraining(JobSpec Job, JobTopology Topology) : AgentOrder;

/// <summary>Prove and warm up a general standby by a shadow iteration on the job's record.</summary>
/// <param name="Job">The job.</param>
public sealed record WarmUp(JobSpec Job) : AgentOrder;

/// <summary>
/// Hold the plan for the loss of any one machine before it happens: members connect with the standby, and whoever sees a member's process end prepares the generation without it.
/// Serves <see cref="AgentOrder.Generation"/> = the generation of <paramref name="Armed"/>.
/// </summary>
/// <param name="Armed">The standby and the generations.</param>
/// <param name="Job">The job.</param>
/// <param name="Topology">Members of the running generation.</param>
public sealed record Arm(StandbyArmed Armed, JobSpec Job, JobTopology Topology) : AgentOrder;

/// <summary>Phase 1 of a migration. Serves <see cref="AgentOrder.Generation"/> = the plan's new generation.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Job">The job, which a joiner does not know yet.</param>
public sealed record Prepare(MigrationPlan Plan, JobSpec Job) : AgentOrder
{
    /// <summary>Id of the order to prepare a migration.</summary>
    /// <param name="migrationId">The migration.</param>
    public static string IdOf(string migrationId) => $"{migrationId}:prepare";
}

/// <summary>Vote for, and carry out, the switch; for an unexpected migration: agree with the survivors and switch now.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="LeaverLost">The leaver is dead: state comes from peers, and the old group is given up.</param>
public sealed record Switch(string MigrationId, bool LeaverLost) : AgentOrder;

/// <summary>Drop what was prepared. Refused once the machine's vote has passed.</summary>
/// <param name="MigrationId">The migration.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
public sealed record Abort(string MigrationId, string Reason) : AgentOrder;

/// <summary>Forget the job: a leaver after the migration is done. The agent starts a fresh worker.</summary>
/// <param name="MigrationId">The migration.</param>
public sealed record Release(string MigrationId) : AgentOrder;

/// <summary>The message that carries an order on <see cref="Topics.Commands"/>.</summary>
/// <param name="Order">The order.</param>
[EventType("trainmover.command.v1", Topics.Commands)]
public sealed record AgentCommand(AgentOrder Order);
