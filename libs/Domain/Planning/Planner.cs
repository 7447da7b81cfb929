using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Jobs;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Interruptions;
using TrainMover.Domain.Jobs;
using TrainMover.Domain.Migrations;

namespace TrainMover.Domain.Planning;

/// <summary>
/// The Planner's decisions, from the set of what is open rather than from the one fact that came in: the same world gives the same decision.
/// </summary>
/// <param name="options">Settings.</param>
public sealed partial class Planner(PlanningOptions options)
{
    private const int KeyBytes = 32;

    /// <summary>A machine's agent announced itself.</summary>
    /// <param name="world">The log so far.</param>
    /// <param name="report">The announcement.</param>
    /// <param name="now">Time of the decision.</param>
    /// <param name="key">32 random bytes, the key of a job that this machine lets start.</param>
    public Decision OnAnnounced(World world, Announced report, DateTimeOffset now, ReadOnlySpan<byte> key)
    {
        var decision = new Decision(world);
        decision.OnMachine(report.MachineId, machine => machine.Announce(report.MachineId, report.Role, report.Worker, now, report.Behind));
        return Continue(decision, world, now, key);
    }

    /// <summary>Something changed: a job was submitted, an interruption raised, a migration ended. Does whatever is due.</summary>
    public Decision OnChange(World world, DateTimeOffset now, ReadOnlySpan<byte> key) => Continue(new Decision(world), world, now, key);

    /// <summary>A standby finished its warm-up.</summary>
    public Decision OnWarmedUp(World world, WarmedUp report, DateTimeOffset now, ReadOnlySpan<byte> key)
    {
        var decision = new Decision(world);
        if (report.JobId is { } job) decision.OnJob(job, state => state.RecordWarmUp(report.MachineId, report.Shadow));
        return Continue(decision, world, now, key);
    }

    /// <summary>A machine's worker is gone: whoever counted on it chooses another.</summary>
    public Decision OnWorkerLost(World world, WorkerLost report, DateTimeOffset now, ReadOnlySpan<byte> key)
    {
        var decision = new Decision(world);
        decision.OnMachine(report.MachineId, machine => machine.LoseWorker(report.Pid, report.Port, report.Detail));
        return Continue(decision, world, now, key);
    }

    /// <summary>A rank trained its last step.</summary>
    public static Decision OnFinished(World world, Finished report)
    {
        var decision = new Decision(world);
        if (report.JobId is not { } jobId || !IsMember(world, world.Job(jobId), report)) return decision;
        foreach (var digest in report.Digests) decision.OnJob(jobId, state => state.FinishRank(report.Steps, digest));
        CompleteJob(decision, jobId);
        return decision;
    }

    // A joiner may train the last steps before the log knows that its migration is over.
    private static bool IsMember(World world, Job job, MachineReport report) =>
        job.HasMember(report.MachineId)
        || (job.OpenMigration is { } migration && world.Migration(migration).Plan!.To is var next && next.Generation == report.Generation
            && next.Has(report.MachineId));

    private static void CompleteJob(Decision decision, string jobId)
    {
        decision.OnJob(jobId, state => state.Complete());
        var job = decision.Job(jobId);
        if (job.Status != JobStatus.Completed) return;
        foreach (var machine in job.Topology!.Machines.Concat(job.Standbys.Keys))
            decision.OnMachine(machine, state => state.JobId == jobId ? state.Release($"Job {jobId} is completed.") : []);
    }

    private Decision Continue(Decision decision, World world, DateTimeOffset now, ReadOnlySpan<byte> key)
    {
        foreach (var migration in world.Migrations) CloseEnded(decision, migration, now);
        foreach (var job in decision.Jobs.Where(job => job.Status == JobStatus.Running).ToList()) CompleteJob(decision, job.Spec!.JobId);
        foreach (var job in decision.Jobs.Where(job => job.Status == JobStatus.Submitted)) StartJob(decision, job, key);
        foreach (var job in decision.Jobs.Where(job => job.Status == JobStatus.Running))
        {
            AnswerInterruptions(decision, world, job.Spec!.JobId, now);
            AssignStandbys(decision, job.Spec.JobId);
            ArmStandby(decision, world, job.Spec.JobId);
        }

        return decision;
    }

    private static void StartJob(Decision decision, Job job, ReadOnlySpan<byte> key)
    {
        var free = decision.Machines
            .Where(machine => machine is { Status: MachineStatus.Available, Role: MachineRole.Training, HasWorker: true })
            .Take(job.Spec!.Machines).ToList();
        if (free.Count < job.Spec.Machines) return;
        if (key.Length != KeyBytes) throw new ArgumentException($"A job key has {KeyBytes} bytes.", nameof(key));
        var topology = new JobTopology(
            1, [.. Enumerable.Range(0, job.Spec.Layout.Ranks).Select(rank => PlaceOn(free[rank / job.Spec.Devices], rank))], Convert.ToBase64String(key));
        decision.OnJob(job.Spec.JobId, state => state.Start(topology));
        foreach (var id in topology.Machines) decision.OnMachine(id, machine => machine.Assign(job.Spec.JobId, topology.RanksOf(id), 1));
    }

    private static void AssignStandbys(Decision decision, string jobId)
    {
        // What makes a standby warm is the shadow iteration.
        if (decision.Job(jobId).Spec!.Techniques is { Sandbox: false }) return;
        var taken = decision.Jobs.Where(job => job.Status == JobStatus.Running).SelectMany(job => job.Standbys.Keys).ToHashSet(StringComparer.Ordinal);
        foreach (var machine in decision.Machines)
        {
            if (machine is { Role: MachineRole.Standby, Status: MachineStatus.Available } && !taken.Contains(machine.MachineId))
                decision.OnJob(jobId, job => job.AssignStandby(machine.MachineId));
        }
    }

    private void CloseEnded(Decision decision, Migration migration, DateTimeOffset now)
    {
        if (!migration.Ended) return;
        var plan = migration.Plan!;
        if (decision.Job(plan.JobId).OpenMigration != plan.MigrationId) return;
        var outcome = migration.Phase switch
        {
            MigrationPhase.Completed => MigrationOutcome.Completed,
            MigrationPhase.Superseded => MigrationOutcome.Superseded,
            _ => MigrationOutcome.Aborted,
        };
        var moved = outcome != MigrationOutcome.Aborted;
        decision.OnJob(plan.JobId, job => job.CloseMigration(plan.MigrationId, outcome, moved ? plan.To : plan.From));
        foreach (var move in plan.Moves)
        {
            if (!moved)
            {
                decision.OnMachine(move.Joiner, machine => machine.MigrationId == plan.MigrationId ? machine.Release($"Migration {plan.MigrationId} was aborted.") : []);
                continue;
            }

            decision.OnMachine(move.Joiner, machine => machine.MigrationId == plan.MigrationId ? machine.Assign(plan.JobId, move.Ranks, plan.To.Generation) : []);
            var (hold, reason) = migration.Kind == InterruptionKind.Unexpected
                ? (options.FailureQuarantine, $"It failed and was replaced in {plan.MigrationId}.")
                : (options.MaintenanceQuarantine, $"It left on notice in {plan.MigrationId}.");
            decision.OnMachine(move.Leaver, machine => machine.Quarantine(reason, now + hold));
        }
    }

    private void AnswerInterruptions(Decision decision, World world, string jobId, DateTimeOffset now)
    {
        var open = world.Interruptions.Where(interruption => interruption.AsksForReplacement).ToList();
        var job = decision.Job(jobId);
        if (job.OpenMigration is { } openMigration && !Adjust(decision, world, openMigration, open, now)) return;

        job = decision.Job(jobId);
        if (job.OpenMigration is not null) return;
        var touching = open.Where(interruption => Remaining.Of(world, interruption.Raised!).Any(job.HasMember)
            && Attempts(world, interruption.Raised!.InterruptionId) < options.AttemptLimit).ToList();
        var unexpected = touching.Where(interruption => interruption.Raised!.Kind == InterruptionKind.Unexpected).ToList();
        if (unexpected.Count > 0) PlanFor(decision, world, jobId, unexpected, InterruptionKind.Unexpected, now);
        else if (touching.Count > 0 && job.Finished.IsEmpty) PlanFor(decision, world, jobId, touching, InterruptionKind.Expected, now);
    }

    /// <summary>Looks whether an open plan has to change. Returns true when the job is free again.</summary>
    private bool Adjust(Decision decision, World world, string migrationId, List<Interruption> open, DateTimeOffset now)
    {
        foreach (var raised in open.Select(interruption => interruption.Raised!).Where(raised => raised.Kind == InterruptionKind.Unexpected))
        {
            var migration = decision.Migration(migrationId);
            if (migration.Interruptions.Contains(raised.InterruptionId)) continue;
            if (raised.Machines.Any(migration.Leavers.Contains))
            {
                decision.OnMigration(migrationId, state => MigrationDecider.Escalate(state, raised));
            }
            else if (raised.Machines.FirstOrDefault(migration.Plan!.To.Has) is { } lost)
            {
                decision.OnMigration(migrationId, state => MigrationDecider.Supersede(state, $"{lost} was lost after the switch was agreed: {raised.Reason}"));
                // One that was lost before and is a member again is not meant; and what was tried too often is left to people.
                if (migration.Plan.From.Has(lost) && Remaining.Of(world, raised).Contains(lost) && Attempts(world, raised.InterruptionId) < options.AttemptLimit)
                    decision.OnMigration(migrationId, state => MigrationDecider.RecordStayerLost(state, lost, raised.Reason));
            }
        }

        CloseEnded(decision, decision.Migration(migrationId), now);
        return decision.Job(decision.Migration(migrationId).Plan!.JobId).OpenMigration is null;
    }

    private void PlanFor(Decision decision, World world, string jobId, List<Interruption> interruptions, InterruptionKind kind, DateTimeOffset now)
    {
        var job = decision.Job(jobId);
        var interrupted = interruptions.SelectMany(interruption => interruption.Raised!.Machines).ToHashSet(StringComparer.Ordinal);
        var remaining = interruptions.SelectMany(interruption => Remaining.Of(world, interruption.Raised!)).ToHashSet(StringComparer.Ordinal);
        var leaving = job.Topology!.Machines.Where(remaining.Contains).ToList();
        if (kind == InterruptionKind.Unexpected && leaving.Count == job.Topology.Machines.Count) return;

        var candidates = JoinerSelection.Rank(job, decision.Machines, kind, interrupted, leaving.Count);
        var joiners = candidates.Where(candidate => candidate.Chosen).Select(candidate => decision.Machine(candidate.MachineId)).ToList();
        if (joiners.Count == 0 || (kind == InterruptionKind.Unexpected && joiners.Count < leaving.Count)) return;

        // The survivors may be ahead by the plan that they hold: this is the same one.
        var generation = kind == InterruptionKind.Unexpected && leaving is [var lost] && job.IsArmed && IsArmed(job, joiners[0])
            ? job.Armed!.GenerationWithout(job.Topology.RanksOf(lost)[0])
            : job.LastGeneration + 1;
        Commit(decision, jobId, interruptions, kind, leaving, joiners, candidates, generation, now);
    }

    private void Commit(
        Decision decision, string jobId, IReadOnlyList<Interruption> interruptions, InterruptionKind kind, IReadOnlyList<string> leaving, IReadOnlyList<Machine> joiners, IReadOnlyList<Candidate> candidates, int generation,
        DateTimeOffset now)
    {
        var job = decision.Job(jobId);
        var moves = leaving.Zip(joiners, (leaver, joiner) => (Leaver: leaver, Joiner: joiner)).ToDictionary(move => move.Leaver, move => move.Joiner, StringComparer.Ordinal);
        var to = new JobTopology(
            generation,
            [.. job.Topology!.Ranks.Select(place => moves.TryGetValue(place.MachineId, out var joiner) ? PlaceOn(joiner, place.Rank) : place)],
            job.Topology.Key);
        var raised = interruptions.Select(interruption => interruption.Raised!).ToList();
        var plan = new MigrationPlan(
            MigrationPlan.IdOf(jobId, generation), jobId, kind, job.Topology, to,
            [.. moves.Select(move => new MachineMove(move.Key, move.Value.MachineId, job.Topology.RanksOf(move.Key)))],
            StateSelection.Best(job, kind, moves.ContainsKey),
            job.Spec!.Layout,
            string.Join(" ", raised.Select(interruption => interruption.Reason)),
            [.. raised.Select(interruption => interruption.InterruptionId)],
            candidates,
            options.PolicyVersion,
            now + (kind == InterruptionKind.Expected ? options.PreparationDeadline : options.FailurePreparationDeadline),
            raised.Min(interruption => interruption.FaultMonotonicNs));
        decision.OnMigration(plan.MigrationId, state => MigrationDecider.Plan(state, plan));
        decision.OnJob(jobId, state => state.OpenMigrationTo(plan.MigrationId, generation));
        foreach (var move in plan.Moves) decision.OnMachine(move.Joiner, machine => machine.Reserve(plan.MigrationId));
    }

    private static RankPlace PlaceOn(Machine machine, int rank) => new(rank, machine.MachineId, machine.Host, machine.Port);

    private static int Attempts(World world, string interruptionId) =>
        world.Migrations.Count(migration => migration.Phase == MigrationPhase.Aborted && migration.Interruptions.Contains(interruptionId));
}
