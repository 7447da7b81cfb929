using System.Globalization;
using TrainMover.Contracts.Interruptions;
using TrainMover.Domain;
using TrainMover.Domain.Detection;
using TrainMover.Domain.Jobs;
using DomainFinding = TrainMover.Domain.Detection.Finding;
using Finding = TrainMover.Detection.Findings.Finding;
using FindingKind = TrainMover.Detection.Findings.FindingKind;

namespace TrainMover.Detection.Live.Jobs;

/// <summary>What the watch of a job found, and what is done about it on the log as it stands then.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Generation">Generation that was judged.</param>
/// <param name="Finding">What was found.</param>
/// <param name="Observation">The message that completed the picture.</param>
public sealed record JobFinding(string JobId, int Generation, Finding Finding, SeenIn Observation)
{
    private const string WholeJob = "job";

    /// <summary>Whether the log is to hear of it: a job that is slow as a whole names nobody, and is told to people only.</summary>
    public bool IsRecorded => Finding.Kind is FindingKind.SlowWorker or FindingKind.Hang or FindingKind.LossCorruption or FindingKind.Recovered;

    /// <summary>What follows. Nothing where the job is in another generation by now.</summary>
    public Decision Decide(World world)
    {
        var job = world.Job(JobId);
        if (job.Status != JobStatus.Running || job.Topology!.Generation != Generation) return new Decision(world);
        return Finding switch
        {
            { Kind: FindingKind.Recovered } => Recover(world),
            { Subject: WholeJob } => RaiseForAll(world, job),
            // Paces are not compared while cores are shared with a preparation; who stops or does not arrive is named, whatever is prepared.
            { Kind: FindingKind.SlowWorker } when job.OpenMigration is not null => new Decision(world),
            // Survivors wait for a dead worker too, until they have switched.
            { Kind: FindingKind.Hang } when job.OpenMigration is { } open && world.Migration(open) is { Kind: InterruptionKind.Unexpected } answer && answer.Leavers.Contains(Finding.Subject) => new Decision(world),
            _ => Raise(world),
        };
    }

    private Decision Raise(World world) => new DomainFinding(
        $"{JobId}-g{Text(Generation)}-{Finding.Subject}-{Finding.Detector}-{Text(Finding.At)}", Finding.Subject, Cause, Severity.Replace, Finding.Reason, Finding.Detector, Evidence)
    {
        Kind = Finding.Kind == FindingKind.Hang ? InterruptionKind.Unexpected : InterruptionKind.Expected,
        RuledOut = Finding.Evidence.RuledOut,
    }.Raise(world);

    // Nobody can be replaced for it: starting again from a checkpoint is what remains, and an operator's matter.
    private Decision RaiseForAll(World world, Job job)
    {
        var id = $"{JobId}-g{Text(Generation)}-{Finding.Detector}-{Text(Finding.At)}";
        var raised = new InterruptionRaised(
            id, InterruptionKind.Expected, Cause, Severity.Restart, [.. job.Topology!.Machines.Order(StringComparer.Ordinal)], $"{Finding.Reason.TrimEnd('.')} (job {JobId}).", Finding.Detector, Evidence, null,
            Finding.Evidence.RuledOut);
        return new Decision(world).Found(Finding.Detector, raised);
    }

    private Decision Recover(World world)
    {
        var decision = new Decision(world);
        var open = world.Interruptions.Select(interruption => interruption.Raised!)
            .Where(raised => DetectorTuning.Split(raised.Detector).Detector == Finding.Detector && (Finding.Subject == WholeJob ? raised.InterruptionId.StartsWith($"{JobId}-g", StringComparison.Ordinal) : raised.Machines is [var machine] && machine == Finding.Subject));
        foreach (var raised in open.ToList()) decision.OnInterruption(raised.InterruptionId, state => state.Recover(Finding.Reason));
        return decision;
    }

    private InterruptionCause Cause => Finding.Kind switch
    {
        FindingKind.SlowWorker => InterruptionCause.SlowWorker,
        FindingKind.LossCorruption => InterruptionCause.LossCorruption,
        _ => InterruptionCause.Hang,
    };

    private IReadOnlyList<Evidence> Evidence =>
    [
        .. Finding.Evidence.Samples.Select(sample => new Evidence(
            Observation.Source, Observation.MessageId, string.Create(CultureInfo.InvariantCulture, $"Step {sample.At}: {sample.What} is {sample.Value:0.####}, expected {sample.Expected:0.####}."))),
    ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A message.</summary>
/// <param name="Source">Its CloudEvents source.</param>
/// <param name="MessageId">Its CloudEvents id.</param>
public readonly record struct SeenIn(string Source, string MessageId);
