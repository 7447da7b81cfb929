using TrainMover.Contracts.Interruptions;
using TrainMover.Detection.Campaigns.Fleet;
using TrainMover.Detection.Campaigns.Manifest;
using TrainMover.Detection.Campaigns.Watching;

namespace TrainMover.Detection.Campaigns.Scoring;

/// <summary>One run against its truth.</summary>
/// <param name="Run">What was planned.</param>
/// <param name="Found">The alarm that names the fault, its machines and its remedy in time; null where there is none.</param>
/// <param name="FalseAlarms">Alarms that no fault explains.</param>
/// <param name="SlowJobs">Times at which the job as a whole was found slow.</param>
public sealed record RunScore(PlannedRun Run, Alarm? Found, IReadOnlyList<Alarm> FalseAlarms, IReadOnlyList<TimeSpan> SlowJobs)
{
    /// <summary>From the begin of the fault until it was raised.</summary>
    public TimeSpan? Delay => Found is null ? null : Found.At - Run.Fault!.Onset;

    /// <summary>Compares what was seen with what was planned.</summary>
    public static RunScore Of(PlannedRun run, Seen seen)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(seen);
        var found = run.Fault is { } fault ? seen.Alarms.FirstOrDefault(alarm => Names(run, fault, alarm)) : null;
        return new RunScore(run, found, [.. seen.Alarms.Where(alarm => !IsTrue(run, alarm))], seen.SlowJobs);
    }

    private static bool Names(PlannedRun run, PlannedFault fault, Alarm alarm)
    {
        var kind = FaultKind.Of(fault.Type);
        return kind.IsFault && alarm.At >= fault.Onset && alarm.At <= fault.Onset + kind.Deadline(run.Step) && alarm.Raised.Machines.SequenceEqual(fault.Machines, StringComparer.Ordinal)
            && ((alarm.Raised.Cause == kind.Cause && alarm.Raised.Severity == SeverityOf(fault)) || Slows(fault, alarm));
    }

    // What is true though it is not what was injected: a fault that shows in other ways as well, on its own machines. What is no fault makes nothing true.
    private static bool IsTrue(PlannedRun run, Alarm alarm)
    {
        if (run.Fault is not { } fault || alarm.At < fault.Onset) return false;
        var kind = FaultKind.Of(fault.Type);
        var ofMachines = alarm.Raised.Machines.All(machine => fault.Machines.Contains(machine, StringComparer.Ordinal));
        return ofMachines && (Slows(fault, alarm) || (kind.IsFault && (alarm.Raised.Cause == kind.Cause || alarm.Raised.Cause == InterruptionCause.MetricAnomaly)) || (alarm.Raised.Cause == InterruptionCause.MetricAnomaly && fault.Type == FaultType.PowerLimit));
    }

    private static bool Slows(PlannedFault fault, Alarm alarm) =>
        alarm.Raised is { Cause: InterruptionCause.SlowWorker, Severity: Severity.Replace } && fault is { Type: FaultType.ThermalThrottle or FaultType.ClockThrottle or FaultType.SlowWorker, Strength: > 1 };

    private static Severity SeverityOf(PlannedFault fault) => fault.Type == FaultType.ErrorCode ? CodeLines.SeverityOf(fault.Variant) : FaultKind.Of(fault.Type).Severity!.Value;
}
