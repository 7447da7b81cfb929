using TrainMover.Contracts.Migrations;

namespace TrainMover.Domain.Migrations;

/// <summary>What giving up means in a phase.</summary>
public enum AbortAction
{
    /// <summary>Nobody was told anything: the abort is final at once.</summary>
    NobodyToTell,

    /// <summary>Participants are ordered to drop what they prepared; final with the first voter's word.</summary>
    AskParticipants,

    /// <summary>Not possible: the switch is agreed, or the migration has ended, or an abort is on its way.</summary>
    NotPossible,
}

/// <summary>A row of the table of phases.</summary>
/// <param name="Phase">The phase.</param>
/// <param name="OnAbort">What giving up means in it (compensation).</param>
/// <param name="Next">Phases that may follow.</param>
public sealed record PhaseRow(MigrationPhase Phase, AbortAction OnAbort, IReadOnlyList<MigrationPhase> Next);

/// <summary>
/// The phases of a migration as values and their compensation as a table (design, section 4). From the phases in which participants are asked, a migration is aborted directly only where they switched by another plan meanwhile.
/// </summary>
public static class PhaseTable
{
    /// <summary>All rows, in order.</summary>
    public static IReadOnlyList<PhaseRow> Rows { get; } =
    [
        new(MigrationPhase.Planned, AbortAction.NobodyToTell, [MigrationPhase.Preparing, MigrationPhase.Aborted]),
        new(MigrationPhase.Preparing, AbortAction.AskParticipants, [MigrationPhase.Switching, MigrationPhase.Agreed, MigrationPhase.Aborting, MigrationPhase.Aborted]),
        new(MigrationPhase.Switching, AbortAction.AskParticipants, [MigrationPhase.Agreed, MigrationPhase.Aborting, MigrationPhase.Aborted]),
        new(MigrationPhase.Aborting, AbortAction.NotPossible, [MigrationPhase.Aborted, MigrationPhase.Agreed]),
        new(MigrationPhase.Agreed, AbortAction.NotPossible, [MigrationPhase.Completed, MigrationPhase.Superseded]),
        new(MigrationPhase.Completed, AbortAction.NotPossible, []),
        new(MigrationPhase.Aborted, AbortAction.NotPossible, []),
        new(MigrationPhase.Superseded, AbortAction.NotPossible, []),
    ];

    /// <summary>The row of a phase.</summary>
    public static PhaseRow Of(MigrationPhase phase) => Rows.Single(row => row.Phase == phase);

    /// <summary>Whether a migration in this phase may still be given up.</summary>
    public static bool AbortAllowed(MigrationPhase phase) => Of(phase).OnAbort != AbortAction.NotPossible;

    /// <summary>Whether a migration in this phase may turn out to have been overtaken by another: nobody has switched by it.</summary>
    public static bool OvertakeAllowed(MigrationPhase phase) => Of(phase).Next.Contains(MigrationPhase.Aborted);
}
