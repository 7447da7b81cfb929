using System.Collections.Immutable;
using TrainMover.Contracts.Interruptions;
using TrainMover.Contracts.Migrations;

namespace TrainMover.Domain.Migrations;

/// <summary>State of one migration.</summary>
/// <param name="Phase">Where it stands; null before it was planned.</param>
/// <param name="Plan">The plan.</param>
/// <param name="Kind">Expected or unexpected; an escalation changes it.</param>
/// <param name="Interruptions">Interruptions that it answers, those of an escalation included.</param>
/// <param name="Ready">Participants that finished phase 1.</param>
/// <param name="SwitchOrdered">Whether the switch was ordered.</param>
/// <param name="BoundaryStep">Agreed boundary.</param>
/// <param name="Switched">Members of the new generation that completed a step on it.</param>
/// <param name="FaultMonotonicNs">Monotonic time stamp of the fault, where known.</param>
/// <param name="AbortReason">Why it was given up.</param>
public sealed record Migration(
    MigrationPhase? Phase,
    MigrationPlan? Plan,
    InterruptionKind Kind,
    ImmutableSortedSet<string> Interruptions,
    ImmutableSortedDictionary<string, ParticipantReady> Ready,
    bool SwitchOrdered,
    long? BoundaryStep,
    ImmutableSortedDictionary<string, SwitchReport> Switched,
    long? FaultMonotonicNs,
    string? AbortReason)
{
    /// <summary>Before the first event.</summary>
    public static Migration Initial { get; } = new(
        null, null, InterruptionKind.Expected,
        ImmutableSortedSet.Create<string>(StringComparer.Ordinal),
        ImmutableSortedDictionary.Create<string, ParticipantReady>(StringComparer.Ordinal),
        false, null,
        ImmutableSortedDictionary.Create<string, SwitchReport>(StringComparer.Ordinal),
        null, null);

    /// <summary>Name of the stream of a migration.</summary>
    public static string Stream(string migrationId) => $"migration-{migrationId}";

    /// <summary>Whether nothing can happen to it any more.</summary>
    public bool Ended => Phase is MigrationPhase.Completed or MigrationPhase.Aborted or MigrationPhase.Superseded;

    /// <summary>Machines that leave.</summary>
    public IEnumerable<string> Leavers => Plan!.Moves.Select(move => move.Leaver);

    /// <summary>Machines that join.</summary>
    public IEnumerable<string> Joiners => Plan!.Moves.Select(move => move.Joiner);

    /// <summary>Machines that must finish phase 1: the new members, and the leavers while they live.</summary>
    public IReadOnlyList<string> Participants =>
    [
        .. Plan!.To.Machines
            .Concat(Kind == InterruptionKind.Expected ? Leavers : [])
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Machines whose vote the switch needs: the members of the old generation that live. One that aborted makes the switch impossible.</summary>
    public IEnumerable<string> Voters => Plan!.From.Machines.Where(machine => Kind == InterruptionKind.Expected || !Leavers.Contains(machine));

    /// <summary>The state after an event.</summary>
    public Migration Evolve(object @event) => @event switch
    {
        MigrationPlanned e => this with
        {
            Phase = MigrationPhase.Planned,
            Plan = e.Plan,
            Kind = e.Plan.Kind,
            Interruptions = Interruptions.Union(e.Plan.Interruptions),
            FaultMonotonicNs = e.Plan.FaultMonotonicNs,
        },
        PreparationStarted => this with { Phase = MigrationPhase.Preparing },
        ParticipantReady e => this with { Ready = Ready.SetItem(e.MachineId, e) },
        Contracts.Migrations.SwitchOrdered => this with { Phase = MigrationPhase.Switching, SwitchOrdered = true },
        SwitchAgreed e => this with { Phase = MigrationPhase.Agreed, BoundaryStep = e.BoundaryStep, AbortReason = null },
        ParticipantSwitched e => this with { Switched = Switched.SetItem(e.Switch.MachineId, e.Switch) },
        MigrationCompleted => this with { Phase = MigrationPhase.Completed },
        AbortOrdered e => this with { Phase = MigrationPhase.Aborting, AbortReason = e.Reason },
        MigrationAborted e => this with { Phase = MigrationPhase.Aborted, AbortReason = e.Reason },
        MigrationEscalated e => this with
        {
            Kind = InterruptionKind.Unexpected,
            Interruptions = Interruptions.Add(e.InterruptionId),
            FaultMonotonicNs = e.FaultMonotonicNs,
        },
        MigrationSuperseded e => this with { Phase = MigrationPhase.Superseded, AbortReason = e.Reason },
        _ => this,
    };
}
