using TrainMover.Contracts.Interruptions;

namespace TrainMover.Domain.Detection;

/// <summary>One cause that many machines show: errors of links of several machines behind one switch are one interruption of all of them.</summary>
public static class CommonCause
{
    private const int EvidencePerMachine = 2;

    /// <summary>Whether a finding may be one of many: its machine shares something with another one.</summary>
    public static bool IsShared(World world, Finding finding) =>
        finding.Cause == InterruptionCause.LinkError && world.Machine(finding.MachineId).Behind is { } behind
        && world.Machines.Any(other => other.Behind == behind && other.MachineId != finding.MachineId);

    /// <summary>Raises findings of a short time: those of machines behind the same thing as one, others each by itself.</summary>
    /// <exception cref="DomainRuleException">One names a machine that nobody announced.</exception>
    public static Decision Raise(World world, IReadOnlyList<Finding> findings)
    {
        var decision = new Decision(world);
        foreach (var group in findings.GroupBy(finding => (world.Machine(finding.MachineId).Behind, finding.Cause, finding.Detector)))
        {
            var byMachine = group.GroupBy(finding => finding.MachineId, StringComparer.Ordinal).OrderBy(machine => machine.Key, StringComparer.Ordinal)
                .Select(machine => machine.MinBy(finding => finding.Severity)!).ToList();
            if (group.Key.Behind is { } behind && byMachine.Count > 1) Together(behind, byMachine).RaiseInto(decision, world);
            else foreach (var finding in byMachine) finding.RaiseInto(decision, world);
        }

        return decision;
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
