using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;
using TrainMover.Contracts.Progress;

namespace TrainMover.Domain.Migrations;

/// <summary>
/// Decisions of a migration: state and fact in, events out. A fact that comes twice, too late, or of another generation decides nothing.
/// The phases and what each allows are a table: <see cref="PhaseTable"/>.
/// </summary>
public static class MigrationDecider
{
    /// <summary>Commits to a plan; nothing when it was planned before.</summary>
    /// <exception cref="DomainRuleException">The plan contradicts itself.</exception>
    public static IReadOnlyList<object> Plan(Migration state, MigrationPlan plan)
    {
        PlanRules.Check(plan);
        return state.Phase is null ? [new MigrationPlanned(plan)] : [];
    }

    /// <summary>Orders the preparation of a fresh plan.</summary>
    public static IReadOnlyList<object> BeginPreparation(Migration state) => state.Phase == MigrationPhase.Planned
        ? [new PreparationStarted(state.Plan!.MigrationId, state.Plan.JobId, state.Participants)]
        : [];

    /// <summary>A participant finished phase 1; with the last one the switch is ordered, unless digests or the shadow iteration speak against it.</summary>
    public static IReadOnlyList<object> RecordPrepared(Migration state, Prepared report)
    {
        var agreedWithoutOrder = state is { Phase: MigrationPhase.Agreed, SwitchOrdered: false };
        if (!(state.Phase == MigrationPhase.Preparing || agreedWithoutOrder) || report.Generation != state.Plan!.To.Generation) return [];
        if (state.Ready.ContainsKey(report.MachineId) || !state.Participants.Contains(report.MachineId)) return [];

        var ready = new ParticipantReady(
            state.Plan.MigrationId, state.Plan.JobId, report.MachineId, report.PlanDigest, report.PrepareMs, report.DeviceBytes, report.Shadow);
        if (report.Shadow is { Good: false })
            return [ready, .. Abort(state, $"The shadow iteration of {report.MachineId} was not good: {report.Shadow.Reason}")];
        if (state.Ready.Values.FirstOrDefault(other => other.PlanDigest != report.PlanDigest) is { } different)
            return [ready, .. Abort(state, $"{report.MachineId} and {different.MachineId} computed different delta plans.")];
        return agreedWithoutOrder ? [ready] : [ready, .. OrderSwitchWhenReady(state.Evolve(ready))];
    }

    /// <summary>A participant could not prepare, or has lost what it had prepared: it does not take part in the switch, so others would wait for it in vain, ordered to switch or not.</summary>
    public static IReadOnlyList<object> RecordPreparationFailed(Migration state, PreparationFailed report) =>
        Concerns(state, report) && state.Phase is MigrationPhase.Preparing or MigrationPhase.Switching && !IsLostLeaver(state, report.MachineId)
            ? Abort(state, $"{report.MachineId} {(state.Ready.ContainsKey(report.MachineId) ? "lost what it had prepared" : "could not prepare")}: {report.Reason}")
            : [];

    /// <summary>A member reports that the boundary is agreed; this also overrules an abort on its way.</summary>
    public static IReadOnlyList<object> RecordAgreed(Migration state, Agreed report) =>
        Concerns(state, report) && state.Phase is MigrationPhase.Preparing or MigrationPhase.Switching or MigrationPhase.Aborting && MayAgree(state)
            ? [new SwitchAgreed(state.Plan!.MigrationId, state.Plan.JobId, report.BoundaryStep, report.MachineId)]
            : [];

    /// <summary>A member of the new generation completed a step on it; with the last one the migration is completed.</summary>
    public static IReadOnlyList<object> RecordSwitched(Migration state, Switched report)
    {
        if (!Concerns(state, report) || !MayAgree(state) || state.Ended) return [];
        if (state.Switched.ContainsKey(report.MachineId) || !state.Plan!.To.Has(report.MachineId)) return [];

        var events = new List<object>();
        if (state.Phase != MigrationPhase.Agreed)
            events.Add(new SwitchAgreed(state.Plan.MigrationId, state.Plan.JobId, report.Switch.ResumedStep, report.MachineId));
        events.Add(new ParticipantSwitched(state.Plan.MigrationId, state.Plan.JobId, report.Switch));
        var after = events.Aggregate(state, (current, @event) => current.Evolve(@event));
        if (after.Switched.Count == after.Plan!.To.Machines.Count) events.Add(MigrationTotals.Complete(after));
        return events;
    }

    /// <summary>A participant dropped what it had prepared. The first voter's word makes the switch impossible, so the abort is final.</summary>
    public static IReadOnlyList<object> RecordAborted(Migration state, Aborted report) =>
        Concerns(state, report) && state.Phase == MigrationPhase.Aborting && state.Voters.Contains(report.MachineId)
            ? [new MigrationAborted(state.Plan!.MigrationId, state.Plan.JobId, MigrationPhase.Aborting, state.AbortReason!)]
            : [];

    /// <summary>An order was refused; it is recorded and changes nothing.</summary>
    public static IReadOnlyList<object> RecordRefused(Migration state, Refused report) => state.Phase is not null && !state.Ended
        ? [new OrderRefused(state.Plan!.MigrationId, state.Plan.JobId, report.MachineId, report.Order, report.Reason)]
        : [];

    /// <summary>The worker of a participant is gone, and what it had prepared with it.</summary>
    public static IReadOnlyList<object> RecordWorkerLost(Migration state, string machineId, string detail)
    {
        if (state.Phase is null || state.Ended || !PhaseTable.AbortAllowed(state.Phase.Value)) return [];
        return state.Participants.Contains(machineId) && !state.Leavers.Contains(machineId)
            ? Abort(state, $"The worker of {machineId} was lost during the preparation: {detail}")
            : [];
    }

    /// <summary>Training stopped because of a member that the plan does not take out: the plan cannot go on.</summary>
    public static IReadOnlyList<object> RecordParked(Migration state, Parked report)
    {
        if (state.Phase is null || state.Ended || !PhaseTable.AbortAllowed(state.Phase.Value)) return [];
        if (report.Generation != state.Plan!.From.Generation || report.SuspectMachine is null) return [];
        return state.Leavers.Contains(report.SuspectMachine) || state.Kind == InterruptionKind.Unexpected
            ? []
            : Abort(state, $"{report.SuspectMachine}, which was to stay, failed during the preparation.");
    }

    /// <summary>The deadline of the plan passed.</summary>
    public static IReadOnlyList<object> PassDeadline(Migration state, DateTimeOffset now) =>
        state.Phase is { } phase && PhaseTable.AbortAllowed(phase) && now >= state.Plan!.Deadline
            ? Abort(state, $"The deadline passed while {Missing(state)}.")
            : [];

    /// <summary>The leaver of an expected migration died.</summary>
    public static IReadOnlyList<object> Escalate(Migration state, InterruptionRaised interruption)
    {
        if (state.Phase is null || state.Ended || state.Kind == InterruptionKind.Unexpected) return [];
        if (!interruption.Machines.Any(state.Leavers.Contains)) return [];
        var escalated = new MigrationEscalated(
            state.Plan!.MigrationId, state.Plan.JobId, interruption.InterruptionId, interruption.FaultMonotonicNs);
        return [escalated];
    }

    /// <summary>A member that the plan keeps is known to be lost: nobody can switch by this plan, and the others need not find out by waiting for it.</summary>
    public static IReadOnlyList<object> RecordStayerLost(Migration state, string machineId, string reason) =>
        state.Phase is { } phase && PhaseTable.AbortAllowed(phase) ? Abort(state, $"{machineId}, which was to stay, was lost during the preparation: {reason}") : [];

    /// <summary>After an escalation the leaver is no longer waited for: the switch may be ready to be ordered.</summary>
    public static IReadOnlyList<object> ContinueAfterEscalation(Migration state) =>
        state.Phase == MigrationPhase.Preparing ? OrderSwitchWhenReady(state) : [];

    /// <summary>A member of the new generation was lost after the agreement.</summary>
    public static IReadOnlyList<object> Supersede(Migration state, string reason) => state.Phase == MigrationPhase.Agreed
        ? [new MigrationSuperseded(state.Plan!.MigrationId, state.Plan.JobId, reason)]
        : [];

    /// <summary>The members switched to another generation, by a plan that they held before: nobody takes part in this one any more, so it ends without anybody's word.</summary>
    public static IReadOnlyList<object> Overtake(Migration state, string reason) =>
        state.Phase is { } phase && PhaseTable.OvertakeAllowed(phase)
            ? [new MigrationAborted(state.Plan!.MigrationId, state.Plan.JobId, phase, reason)]
            : [];

    private static IReadOnlyList<object> OrderSwitchWhenReady(Migration state) => state.Participants.All(state.Ready.ContainsKey)
        ? [new SwitchOrdered(state.Plan!.MigrationId, state.Plan.JobId, state.Ready.Values.First().PlanDigest)]
        : [];

    private static IReadOnlyList<object> Abort(Migration state, string reason) =>
        PhaseTable.Of(state.Phase!.Value).OnAbort switch
        {
            AbortAction.NobodyToTell => [new MigrationAborted(state.Plan!.MigrationId, state.Plan.JobId, state.Phase.Value, reason)],
            AbortAction.AskParticipants => [new AbortOrdered(state.Plan!.MigrationId, state.Plan.JobId, state.Phase.Value, reason)],
            _ => [],
        };

    // Participants that were prepared without their leaver do not wait for the order.
    private static bool MayAgree(Migration state) => state.SwitchOrdered || (state.Plan!.Kind == InterruptionKind.Unexpected && state.Phase >= MigrationPhase.Preparing);

    private static bool Concerns(Migration state, MachineReport report) =>
        state.Plan is not null && report.Generation == state.Plan.To.Generation && report.MigrationId == state.Plan.MigrationId;

    private static bool IsLostLeaver(Migration state, string machineId) =>
        state.Kind == InterruptionKind.Unexpected && state.Leavers.Contains(machineId);

    private static string Missing(Migration state) => state.Phase switch
    {
        MigrationPhase.Preparing => $"waiting for {string.Join(", ", state.Participants.Where(machine => !state.Ready.ContainsKey(machine)))} to get ready",
        MigrationPhase.Switching => "waiting for the switch to be agreed",
        _ => "the preparation had not begun",
    };
}
