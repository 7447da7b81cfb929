using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Domain.Interruptions;

namespace TrainMover.Domain.Detection;

/// <summary>What a detector outside of <see cref="Detectors"/> found out about a machine that is still there.</summary>
/// <param name="InterruptionId">Id of the interruption that it would be.</param>
/// <param name="MachineId">The machine.</param>
/// <param name="Cause">Why.</param>
/// <param name="Severity">What has to be done.</param>
/// <param name="Reason">Why, in one plain sentence.</param>
/// <param name="Detector">Name of the detector.</param>
/// <param name="Evidence">What it was decided on.</param>
/// <param name="FaultMonotonicNs">Monotonic time of the fault, where it was stamped; nanoseconds.</param>
public sealed record Finding(
    string InterruptionId, string MachineId, InterruptionCause Cause, Severity Severity, string Reason, string Detector, IReadOnlyList<Evidence> Evidence, long? FaultMonotonicNs = null)
{
    /// <summary>All affected machines, where it is more than <see cref="MachineId"/>.</summary>
    public IReadOnlyList<string>? Machines { get; init; }

    /// <summary>Whether training goes on until the switch; expected by default.</summary>
    public InterruptionKind Kind { get; init; }

    /// <summary>Other explanations that were looked at, each in a sentence that says why it does not hold.</summary>
    public IReadOnlyList<string>? RuledOut { get; init; }

    /// <summary>
    /// Raises it, or records it, as the detector's mode says; unless an interruption of its kind is open for the machine that asks for as much: an open replacement of the machine, or the same cause
    /// of at least this severity. What is only recorded is recorded once, until it recovers.
    /// </summary>
    /// <exception cref="DomainRuleException">It names a machine that nobody announced.</exception>
    public Decision Raise(World world)
    {
        var decision = new Decision(world);
        RaiseInto(decision, world);
        return decision;
    }

    /// <summary>What was found and held, from what the log says of it.</summary>
    public static Finding Of(InterruptionRaised held) =>
        new(held.InterruptionId, held.Machines[0], held.Cause, held.Severity, held.Reason, DetectorTuning.Split(held.Detector).Detector, held.Evidence, held.FaultMonotonicNs) { Kind = held.Kind, RuledOut = held.RuledOut };

    internal InterruptionRaised Interruption => new(InterruptionId, Kind, Cause, Severity, Machines ?? [MachineId], Reason, Detector, Evidence, FaultMonotonicNs, RuledOut);

    internal void RaiseInto(Decision decision, World world)
    {
        world.RequireKnown(MachineId);
        var affected = Machines ?? [MachineId];
        var onlyLogs = world.Detector(Detector).Mode == DetectorMode.LogOnly;
        var isAsked = world.Interruptions.Any(known => known.Raised is { } raised && raised.Kind == Kind && affected.All(raised.Machines.Contains) && known.Status switch
        {
            InterruptionStatus.Open => raised.Severity == Severity.Replace || (raised.Cause == Cause && raised.Severity <= Severity),
            InterruptionStatus.Suppressed => onlyLogs && raised.Cause == Cause && raised.Severity <= Severity,
            _ => false,
        });
        if (isAsked) return;
        decision.Found(Detector, Interruption);
    }
}
