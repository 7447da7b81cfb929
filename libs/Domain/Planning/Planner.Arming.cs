using TrainMover.Contracts.Fleet;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;
using TrainMover.Domain.Fleet;
using TrainMover.Domain.Interruptions;
using TrainMover.Domain.Jobs;
using TrainMover.Domain.Migrations;

namespace TrainMover.Domain.Planning;

// Staying ahead of the next loss: who holds which plan before anything happened, and how the log follows where the survivors took one (ADR 8).
public sealed partial class Planner
{
    /// <summary>
    /// A member says that the switch to a generation is agreed or done. Where the survivors took a plan that they held before, and the log does not know it yet, the log takes it over: another plan that was made meanwhile finds
    /// nobody who takes part in it.
    /// </summary>
    public Decision OnSwitch(World world, MachineReport report, DateTimeOffset now, ReadOnlySpan<byte> key)
    {
        var decision = new Decision(world);
        if (report is not { JobId: { } jobId, MigrationId: { } migrationId } || world.Job(jobId) is not { Status: JobStatus.Running } job
            || world.Migration(migrationId).Phase is not null || job.LostIn(report.Generation) is not { } lost) return decision;

        var reason = $"All other members of {jobId} lost their connections with {lost}, and switched to generation {report.Generation}, whose plan they held before.";
        if (job.OpenMigration is { } other)
        {
            decision.OnMigration(other, state => MigrationDecider.Overtake(state, reason));
            CloseEnded(decision, decision.Migration(other), now);
            if (decision.Job(jobId).OpenMigration is not null) return decision;
        }

        var known = world.Interruptions.Where(interruption => interruption is { AsksForReplacement: true, Raised.Kind: InterruptionKind.Unexpected } && interruption.Raised.Machines.Contains(lost)).ToList();
        if (known.Count == 0)
        {
            var raised = new InterruptionRaised(
                $"{migrationId}-survivors", InterruptionKind.Unexpected, InterruptionCause.WorkerUnreachable, Severity.Replace, [lost], reason, "survivors",
                [new Evidence(report.MachineId, migrationId, $"{report.MachineId} reports the switch to generation {report.Generation}.")]);
            decision.OnInterruption(raised.InterruptionId, state => state.Raise(raised));
            known.Add(decision.Interruption(raised.InterruptionId));
        }

        Commit(decision, jobId, known, InterruptionKind.Unexpected, [lost], [decision.Machine(job.Armed!.MachineId)], [new Candidate(job.Armed.MachineId, 100, true, "the armed standby, which has joined")], report.Generation, now);
        return Continue(decision, world, now, key);
    }

    /// <summary>A member says that the armed standby has become a replica of it.</summary>
    public static Decision OnCaughtUp(World world, CaughtUp report)
    {
        var decision = new Decision(world);
        if (report.JobId is { } job) decision.OnJob(job, state => state.RecordCaughtUp(report.Standby, report.MachineId, report.Generation));
        return decision;
    }

    /// <summary>Whoever stays ahead of the next loss needs a standby that is proven, free and where it was when it was armed.</summary>
    private void ArmStandby(Decision decision, World world, string jobId)
    {
        var job = decision.Job(jobId);
        if (job.Spec!.Techniques is { TwoPhaseGroups: false } or { Sandbox: false } or { ArmedStandby: false }) return;
        if (job is not { Status: JobStatus.Running, OpenMigration: null, Finished.IsEmpty: true }) return;
        var interrupted = world.Interruptions.Where(interruption => interruption.Status == InterruptionStatus.Open).SelectMany(interruption => interruption.Raised!.Machines).ToHashSet(StringComparer.Ordinal);
        var able = decision.Machines.Where(machine => machine is { Status: MachineStatus.Available, HasWorker: true } && !interrupted.Contains(machine.MachineId)
            && job.Standbys.TryGetValue(machine.MachineId, out var trust) && trust == StandbyTrust.Ready).ToList();
        if (able.Count == 0 || (job.IsArmed && able.Exists(machine => IsArmed(job, machine)))) return;
        decision.OnJob(jobId, state => state.Arm(able[0], options.PolicyVersion));
    }

    private static bool IsArmed(Job job, Machine machine) => job.Armed is { } armed && (armed.MachineId, armed.Host, armed.Port) == (machine.MachineId, machine.Host, machine.Port);
}
