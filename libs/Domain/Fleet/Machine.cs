using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Progress;

namespace TrainMover.Domain.Fleet;

/// <summary>What a machine is bound to.</summary>
public enum MachineStatus
{
    /// <summary>Never announced.</summary>
    Unknown,

    /// <summary>Free to be chosen.</summary>
    Available,

    /// <summary>Joiner of exactly one plan (invariant 4).</summary>
    Reserved,

    /// <summary>Holds a rank.</summary>
    Assigned,

    /// <summary>Not to be chosen.</summary>
    Quarantined,
}

/// <summary>State of one machine.</summary>
/// <param name="MachineId">The machine.</param>
/// <param name="Status">What it is bound to.</param>
/// <param name="Role">What it is kept for.</param>
/// <param name="Host">Address of its worker's listener.</param>
/// <param name="Port">Port of that listener; 0 while there is none.</param>
/// <param name="MigrationId">The plan that reserved it.</param>
/// <param name="JobId">The job whose rank it holds.</param>
/// <param name="QuarantinedUntil">End of the quarantine, where it has one.</param>
/// <param name="Behind">What it shares with others, and fails with; null where nobody says.</param>
public sealed record Machine(
    string MachineId,
    MachineStatus Status,
    MachineRole Role = MachineRole.Training,
    string Host = "",
    int Port = 0,
    string? MigrationId = null,
    string? JobId = null,
    DateTimeOffset? QuarantinedUntil = null,
    string? Behind = null)
{
    /// <summary>Before the first event.</summary>
    public static Machine Initial { get; } = new("", MachineStatus.Unknown);

    /// <summary>Whether somebody is there to take part in a plan.</summary>
    public bool HasWorker => Port != 0;

    /// <summary>Name of the stream of a machine.</summary>
    public static string Stream(string machineId) => $"machine-{machineId}";

    /// <summary>
    /// The agent announced itself: registers the machine, or its new endpoint; ends a quarantine that is over once the worker is idle.
    /// </summary>
    public IReadOnlyList<object> Announce(string machineId, MachineRole role, WorkerStatus worker, DateTimeOffset now, string? behind = null)
    {
        var events = new List<object>();
        if (Status == MachineStatus.Unknown || Role != role || Host != worker.Host || Port != worker.Port || Behind != behind)
            events.Add(new MachineRegistered(machineId, role, worker.Host, worker.Port, behind));
        if (Status == MachineStatus.Quarantined && QuarantinedUntil <= now && worker.Phase == WorkerPhase.Idle)
            events.Add(new MachineReleased(machineId, "The quarantine is over and its worker is idle."));
        return events;
    }

    /// <summary>
    /// The worker that listened on a port is gone. Nothing where another one listens by now, and where it holds ranks: that is an interruption.
    /// </summary>
    public IReadOnlyList<object> LoseWorker(int pid, int port, string reason) =>
        HasWorker && Port == port && Status is MachineStatus.Available or MachineStatus.Reserved ? [new MachineWorkerLost(MachineId, pid, reason)] : [];

    /// <summary>Reserves it for a plan.</summary>
    /// <exception cref="DomainRuleException">It is not available: a machine belongs to at most one plan.</exception>
    public IReadOnlyList<object> Reserve(string migrationId) => Status == MachineStatus.Available
        ? [new MachineReserved(MachineId, migrationId)]
        : throw new DomainRuleException($"Machine {MachineId} cannot be reserved for {migrationId}: it is {Status}{(MigrationId is null ? "" : $" by {MigrationId}")}.");

    /// <summary>Gives it ranks.</summary>
    /// <exception cref="DomainRuleException">It holds others, or is quarantined.</exception>
    public IReadOnlyList<object> Assign(string jobId, IReadOnlyList<int> ranks, int generation) => Status switch
    {
        MachineStatus.Available or MachineStatus.Reserved => [new MachineAssigned(MachineId, jobId, ranks, generation)],
        _ => throw new DomainRuleException($"Machine {MachineId} cannot take rank {string.Join(" and ", ranks)} of {jobId}: it is {Status}."),
    };

    /// <summary>Lets it go; nothing when it is free already.</summary>
    public IReadOnlyList<object> Release(string reason) =>
        Status is MachineStatus.Reserved or MachineStatus.Assigned ? [new MachineReleased(MachineId, reason)] : [];

    /// <summary>Takes it out of choice; nothing when it is unknown or out already.</summary>
    public IReadOnlyList<object> Quarantine(string reason, DateTimeOffset? until) =>
        Status is MachineStatus.Unknown or MachineStatus.Quarantined ? [] : [new MachineQuarantined(MachineId, reason, until)];

    /// <summary>The state after an event.</summary>
    public Machine Evolve(object @event) => @event switch
    {
        MachineRegistered e => this with
        {
            MachineId = e.MachineId,
            Role = e.Role,
            Host = e.Host,
            Port = e.Port,
            Behind = e.Behind,
            Status = Status == MachineStatus.Unknown ? MachineStatus.Available : Status,
        },
        MachineWorkerLost => this with { Host = "", Port = 0 },
        MachineReserved e => this with { Status = MachineStatus.Reserved, MigrationId = e.MigrationId },
        MachineAssigned e => this with { Status = MachineStatus.Assigned, MigrationId = null, JobId = e.JobId },
        MachineReleased => this with { Status = MachineStatus.Available, MigrationId = null, JobId = null, QuarantinedUntil = null },
        MachineQuarantined e => this with { Status = MachineStatus.Quarantined, MigrationId = null, JobId = null, QuarantinedUntil = e.Until },
        _ => this,
    };
}
