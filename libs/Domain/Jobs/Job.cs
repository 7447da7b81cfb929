using System.Collections.Immutable;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Domain.Fleet;

namespace TrainMover.Domain.Jobs;

/// <summary>Where a job stands.</summary>
public enum JobStatus
{
    /// <summary>Never submitted.</summary>
    None,

    /// <summary>Waits for machines.</summary>
    Submitted,

    /// <summary>Every rank has a machine.</summary>
    Running,

    /// <summary>All steps are trained.</summary>
    Completed,
}

/// <summary>Trust in a standby of a job.</summary>
public enum StandbyTrust
{
    /// <summary>Warming up.</summary>
    Assigned,

    /// <summary>Its shadow iteration was good.</summary>
    Ready,

    /// <summary>Its shadow iteration was not good.</summary>
    Rejected,
}

/// <summary>State of one job.</summary>
/// <param name="Status">Where it stands.</param>
/// <param name="Spec">What it trains.</param>
/// <param name="Topology">Who holds which rank.</param>
/// <param name="LastGeneration">Highest generation ever given out, aborted ones included.</param>
/// <param name="OpenMigration">The plan that holds the job, if any.</param>
/// <param name="Standbys">Standbys and the trust in them.</param>
/// <param name="Finished">Ranks that trained their last step.</param>
/// <param name="Armed">The standby that was armed last, and for which generation; null before the first.</param>
/// <param name="IsArmed">Members and standby still hold the plans that they were given: no plan was opened since.</param>
/// <param name="Followed">The member of whose ranks the armed standby is a replica; null where it has not caught up with anybody.</param>
public sealed record Job(
    JobStatus Status,
    JobSpec? Spec,
    JobTopology? Topology,
    int LastGeneration,
    string? OpenMigration,
    ImmutableSortedDictionary<string, StandbyTrust> Standbys,
    ImmutableSortedDictionary<int, RankDigest> Finished,
    StandbyArmed? Armed = null,
    bool IsArmed = false,
    string? Followed = null)
{
    /// <summary>Before the first event.</summary>
    public static Job Initial { get; } = new(
        JobStatus.None, null, null, 0, null,
        ImmutableSortedDictionary.Create<string, StandbyTrust>(StringComparer.Ordinal), ImmutableSortedDictionary<int, RankDigest>.Empty);

    /// <summary>Name of the stream of a job.</summary>
    public static string Stream(string jobId) => $"job-{jobId}";

    /// <summary>Whether the machine holds a rank.</summary>
    public bool HasMember(string machineId) => Topology?.Has(machineId) == true;

    /// <summary>Hands the job in.</summary>
    /// <exception cref="DomainRuleException">The id is taken, or the specification makes no sense.</exception>
    public IReadOnlyList<object> Submit(JobSpec spec)
    {
        if (Status != JobStatus.None) throw new DomainRuleException($"Job {spec.JobId} was submitted before: choose another id.");
        if (JobRules.BrokenBy(spec) is { } broken) throw new DomainRuleException($"Job {spec.JobId} cannot be trained: {broken}.");
        return [new JobSubmitted(spec)];
    }

    /// <summary>Starts the job on a membership; nothing when it runs already.</summary>
    /// <exception cref="DomainRuleException">It was not submitted.</exception>
    public IReadOnlyList<object> Start(JobTopology topology) => Status switch
    {
        JobStatus.Submitted => [new JobStarted(Spec!.JobId, topology)],
        JobStatus.None => throw new DomainRuleException("A job starts after it was submitted."),
        _ => [],
    };

    /// <summary>Gives the job a standby; nothing when it has this one.</summary>
    public IReadOnlyList<object> AssignStandby(string machineId) =>
        Status == JobStatus.Running && !Standbys.ContainsKey(machineId) ? [new StandbyAssigned(Spec!.JobId, machineId)] : [];

    /// <summary>Records how a standby's warm-up went; nothing when it is no standby of the job or known already.</summary>
    public IReadOnlyList<object> RecordWarmUp(string machineId, ShadowOutcome shadow)
    {
        if (!Standbys.TryGetValue(machineId, out var trust) || trust != StandbyTrust.Assigned) return [];
        return shadow.Good
            ? [new StandbyReady(Spec!.JobId, machineId, shadow.Ms)]
            : [new StandbyRejected(Spec!.JobId, machineId, shadow.Reason ?? "The shadow iteration differed from the record.")];
    }

    /// <summary>Lets members and a standby hold the plan for the loss of each machine; generations are given out for these plans.</summary>
    /// <exception cref="DomainRuleException">The machine is no proven standby of the job, or a plan holds the job.</exception>
    public IReadOnlyList<object> Arm(Machine standby, string policyVersion)
    {
        if (!Standbys.TryGetValue(standby.MachineId, out var trust) || trust != StandbyTrust.Ready)
            throw new DomainRuleException($"{standby.MachineId} is no proven standby of job {Spec?.JobId}: it cannot be armed.");
        if (OpenMigration is not null) throw new DomainRuleException($"Job {Spec!.JobId} is held by {OpenMigration}: nobody can be armed.");
        return [new StandbyArmed(Spec!.JobId, standby.MachineId, standby.Host, standby.Port, Topology!.Generation, LastGeneration + 1, Topology.Ranks.Count, policyVersion)];
    }

    /// <summary>Records that the armed standby is a replica of a member's ranks; nothing when that is known, or of another arming.</summary>
    public IReadOnlyList<object> RecordCaughtUp(string standby, string followed, int generation) =>
        IsArmed && Followed is null && Armed!.MachineId == standby && Armed.Generation == generation && HasMember(followed)
            ? [new StandbyCaughtUp(Spec!.JobId, standby, followed, generation)]
            : [];

    /// <summary>The machine that a generation goes on without; null where the members of this generation hold no such plan.</summary>
    public string? LostIn(int generation) =>
        Armed is { } armed && armed.From == Topology?.Generation && armed.RankLostIn(generation) is { } rank && Topology.RanksOf(Topology.Ranks[rank].MachineId)[0] == rank
            ? Topology.Ranks[rank].MachineId
            : null;

    /// <summary>A plan takes hold of the job.</summary>
    /// <exception cref="DomainRuleException">Another plan holds it, it does not run, or the generation is not new.</exception>
    public IReadOnlyList<object> OpenMigrationTo(string migrationId, int generation)
    {
        if (Status != JobStatus.Running) throw new DomainRuleException($"Job {Spec?.JobId} is {Status}: only a running job migrates.");
        if (OpenMigration is not null) throw new DomainRuleException($"Job {Spec!.JobId} is held by {OpenMigration}.");
        if (generation <= LastGeneration && LostIn(generation) is null) throw new DomainRuleException($"Generation {generation} was given out before (last: {LastGeneration}).");
        return [new JobMigrationOpened(Spec!.JobId, migrationId, generation)];
    }

    /// <summary>The plan lets go; nothing when it does not hold the job.</summary>
    public IReadOnlyList<object> CloseMigration(string migrationId, MigrationOutcome outcome, JobTopology topology) =>
        OpenMigration == migrationId ? [new JobMigrationClosed(Spec!.JobId, migrationId, outcome, topology)] : [];

    /// <summary>A rank trained its last step.</summary>
    public IReadOnlyList<object> FinishRank(long steps, RankDigest digest) =>
        Status == JobStatus.Running && !Finished.ContainsKey(digest.Rank) ? [new JobRankFinished(Spec!.JobId, steps, digest)] : [];

    /// <summary>Completes the job once all ranks are finished and no plan holds it: whoever joined last has to be a member before it is released.</summary>
    public IReadOnlyList<object> Complete() =>
        Status == JobStatus.Running && OpenMigration is null && Finished.Count == Topology!.Ranks.Count
            ? [new JobCompleted(Spec!.JobId, Spec.Steps, [.. Finished.Values])]
            : [];

    /// <summary>The state after an event.</summary>
    public Job Evolve(object @event) => @event switch
    {
        JobSubmitted e => this with { Status = JobStatus.Submitted, Spec = e.Spec },
        JobStarted e => this with { Status = JobStatus.Running, Topology = e.Topology, LastGeneration = e.Topology.Generation },
        StandbyAssigned e => this with { Standbys = Standbys.SetItem(e.MachineId, StandbyTrust.Assigned) },
        StandbyReady e => this with { Standbys = Standbys.SetItem(e.MachineId, StandbyTrust.Ready) },
        StandbyRejected e => this with { Standbys = Standbys.SetItem(e.MachineId, StandbyTrust.Rejected) },
        StandbyArmed e => this with { Armed = e, IsArmed = true, Followed = null, LastGeneration = e.LastGeneration },
        StandbyCaughtUp e => this with { Followed = e.Followed },
        JobMigrationOpened e => this with { OpenMigration = e.MigrationId, IsArmed = false, Followed = null, LastGeneration = Math.Max(LastGeneration, e.Generation) },
        JobMigrationClosed e => this with
        {
            OpenMigration = null,
            Topology = e.Topology,
            Standbys = Standbys.RemoveRange(e.Topology.Machines),
        },
        JobRankFinished e => this with { Finished = Finished.SetItem(e.Digest.Rank, e.Digest) },
        JobCompleted => this with { Status = JobStatus.Completed },
        _ => this,
    };
}
