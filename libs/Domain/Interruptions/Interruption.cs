using TrainMover.Contracts.Interruptions;

namespace TrainMover.Domain.Interruptions;

/// <summary>Where an interruption stands.</summary>
public enum InterruptionStatus
{
    /// <summary>Never raised.</summary>
    None,

    /// <summary>Raised and not answered.</summary>
    Open,

    /// <summary>Answered by a migration.</summary>
    Resolved,

    /// <summary>Its cause went away.</summary>
    Recovered,
}

/// <summary>State of one interruption.</summary>
/// <param name="Status">Where it stands.</param>
/// <param name="Raised">What was raised; null before.</param>
/// <param name="ResolvedBy">Migration that answered it.</param>
public sealed record Interruption(InterruptionStatus Status, InterruptionRaised? Raised = null, string? ResolvedBy = null)
{
    /// <summary>Before the first event.</summary>
    public static Interruption Initial { get; } = new(InterruptionStatus.None);

    /// <summary>Name of the stream of an interruption.</summary>
    public static string Stream(string interruptionId) => $"interruption-{interruptionId}";

    /// <summary>Raises it; nothing when it was raised before.</summary>
    public IReadOnlyList<object> Raise(InterruptionRaised raised)
    {
        if (raised.Machines.Count == 0) throw new DomainRuleException("An interruption names at least one machine.");
        return Status == InterruptionStatus.None ? [raised] : [];
    }

    /// <summary>A migration answered it; nothing unless it is open.</summary>
    public IReadOnlyList<object> Resolve(string migrationId) =>
        Status == InterruptionStatus.Open ? [new InterruptionResolved(Raised!.InterruptionId, migrationId)] : [];

    /// <summary>Its cause went away; nothing unless it is open.</summary>
    public IReadOnlyList<object> Recover(string reason) =>
        Status == InterruptionStatus.Open ? [new InterruptionRecovered(Raised!.InterruptionId, reason)] : [];

    /// <summary>The state after an event.</summary>
    public Interruption Evolve(object @event) => @event switch
    {
        InterruptionRaised raised => new Interruption(InterruptionStatus.Open, raised),
        InterruptionResolved resolved => this with { Status = InterruptionStatus.Resolved, ResolvedBy = resolved.MigrationId },
        InterruptionRecovered => this with { Status = InterruptionStatus.Recovered },
        _ => this,
    };
}
