using TrainMover.Contracts.Detectors;
using TrainMover.Contracts.Interruptions;
using TrainMover.Domain.Interruptions;

namespace TrainMover.Domain.Detection;

/// <summary>One cause that many machines show: errors of links of several machines behind one switch are one interruption of all of them.</summary>
public static class CommonCause
{
    private const int EvidencePerMachine = 2;

    /// <summary>Whether a finding may be one of many: its machine shares something with another one.</summary>
    public static bool IsShared(World world, Finding finding) =>
        finding.Cause == InterruptionCause.LinkError && world.Machine(finding.MachineId).Behind is { } behind
        && world.Machines.Any(other => other.Behind == behind && other.MachineId != finding.MachineId);

    /// <summary>Records that a finding waits for others, so that it outlives the process that waits; nothing where the detector is off.</summary>
    /// <exception cref="DomainRuleException">It names a machine that nobody announced.</exception>
    public static Decision Hold(World world, Finding finding)
    {
        world.RequireKnown(finding.MachineId);
        var (decision, tuning) = (new Decision(world), world.Detector(finding.Detector));
        if (tuning.Mode == DetectorMode.Off) return decision;
        var held = finding.Interruption with { Detector = DetectorTuning.Judge(finding.Detector, tuning.Version) };
        return decision.OnInterruption(held.InterruptionId, state => state.Hold(held, $"It waits for others behind {world.Machine(finding.MachineId).Behind}."));
    }

    /// <summary>Findings that waited when the process before this one ended.</summary>
    public static IReadOnlyList<Finding> Held(World world) => [.. world.Interruptions.Where(known => known.Status == InterruptionStatus.Held).Select(known => Finding.Of(known.Raised!))];

    /// <summary>Raises findings of a short time: those of machines behind the same thing as one, others each by itself.</summary>
    /// <exception cref="DomainRuleException">One names a machine that nobody announced.</exception>
    public static Decision Raise(World world, IReadOnlyList<Finding> findings)
    {
        var decision = new Decision(world);
        foreach (var group in findings.GroupBy(finding => (world.Machine(finding.MachineId).Behind, finding.Cause, finding.Detector)))
        {
            var byMachine = group.GroupBy(finding => finding.MachineId, StringComparer.Ordinal).OrderBy(machine => machine.Key, StringComparer.Ordinal)
                .Select(machine => machine.MinBy(finding => finding.Severity)!).ToList();
            if (group.Key.Behind is { } behind && byMachine.Count > 1)
            {
                var together = Together(behind, byMachine);
                Release(decision, group, $"It is raised together with others behind {behind}, as {together.InterruptionId}.");
                together.RaiseInto(decision, world);
            }
            else
            {
                foreach (var finding in byMachine) finding.RaiseInto(decision, world);
            }
        }

        Release(decision, findings, "Another interruption asks for as much already, or the detector is off.");
        return decision;
    }

    // What still waits after this is over is not raised by itself.
    private static void Release(Decision decision, IEnumerable<Finding> findings, string reason)
    {
        foreach (var finding in findings)
            decision.OnInterruption(finding.InterruptionId, state => state.Status == InterruptionStatus.Held ? state.Suppress(state.Raised!, reason) : []);
    }

    private static Finding Together(string behind, List<Finding> findings)
    {
        var first = findings[0];
        var machines = findings.Select(finding => finding.MachineId).ToList();
        return first with
        {
            InterruptionId = $"{behind}-{first.InterruptionId}",
            Machines = machines,
            Severity = findings.Min(finding => finding.Severity),
            Reason = $"{findings.Count} machines behind {behind} have trouble with their links at once ({string.Join(", ", machines)}): what they share is the likely cause. {first.Reason}",
            Evidence = [.. findings.SelectMany(finding => finding.Evidence.Take(EvidencePerMachine))],
            RuledOut = [$"Faults of single machines: {findings.Count} of them, all behind {behind}, showed the same within a short time."],
            FaultMonotonicNs = findings.Min(finding => finding.FaultMonotonicNs),
        };
    }
}
