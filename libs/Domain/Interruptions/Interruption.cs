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

    /// <summary>Found, and not raised by itself: by a detector that only logs, or together with others.</summary>
    Suppressed,

    /// <summary>Found, and waiting for others of the same cause.</summary>
    Held,
}

/// <summary>State of one interruption.</summary>
/// <param name="Status">Where it stands.</param>
/// <param name="Raised">What was raised, or would have been; null before.</param>
/// <param name="ResolvedBy">Migration that answered it.</param>
public sealed record Interruption(InterruptionStatus Status, InterruptionRaised? Raised = null, string? ResolvedBy = null)
{
    /// <summary>Before the first event.</summary>
    public static Interruption Initial { get; } = new(InterruptionStatus.None);

    /// <summary>Name of the stream of an interruption.</summary>
    public static string Stream(string interruptionId) => $"interruption-{interruptionId}";

    /// <summary>Whether machines are to be replaced for it and nobody has done so.</summary>
    public bool AsksForReplacement => this is { Status: InterruptionStatus.Open, Raised.Severity: Severity.Replace };

    /// <summary>Raises it; nothing when it was raised before. What was suppressed before is raised.</summary>
    public IReadOnlyList<object> Raise(InterruptionRaised raised)
    {
        RequireMachine(raised);
        return Status is InterruptionStatus.None or InterruptionStatus.Suppressed or InterruptionStatus.Held ? [raised] : [];
    }

    /// <summary>Records what is not raised, with the reason; nothing when it was found before.</summary>
    public IReadOnlyList<object> Suppress(InterruptionRaised finding, string reason)
    {
        RequireMachine(finding);
        return Status is InterruptionStatus.None or InterruptionStatus.Held ? [new InterruptionSuppressed(finding.InterruptionId, finding, reason)] : [];
    }

    /// <summary>Records what waits for others before it is raised; nothing when it was found before.</summary>
    public IReadOnlyList<object> Hold(InterruptionRaised finding, string reason)
    {
        RequireMachine(finding);
        return Status == InterruptionStatus.None ? [new InterruptionHeld(finding.InterruptionId, finding, reason)] : [];
    }

    /// <summary>A migration answered it; nothing unless it is open.</summary>
    public IReadOnlyList<object> Resolve(string migrationId) =>
        Status == InterruptionStatus.Open ? [new InterruptionResolved(Raised!.InterruptionId, migrationId)] : [];

    /// <summary>Its cause went away; nothing unless it is open, or suppressed.</summary>
    public IReadOnlyList<object> Recover(string reason) =>
        Status is InterruptionStatus.Open or InterruptionStatus.Suppressed ? [new InterruptionRecovered(Raised!.InterruptionId, reason)] : [];

    /// <summary>The state after an event.</summary>
    public Interruption Evolve(object @event) => @event switch
    {
        InterruptionRaised raised => new Interruption(InterruptionStatus.Open, raised),
        InterruptionSuppressed suppressed => new Interruption(InterruptionStatus.Suppressed, suppressed.Finding),
        InterruptionHeld held => new Interruption(InterruptionStatus.Held, held.Finding),
        InterruptionResolved resolved => this with { Status = InterruptionStatus.Resolved, ResolvedBy = resolved.MigrationId },
        InterruptionRecovered => this with { Status = InterruptionStatus.Recovered },
        _ => this,
    };

    private static void RequireMachine(InterruptionRaised raised)
    {
        if (raised.Machines.Count == 0) throw new DomainRuleException("An interruption names at least one machine.");
    }
}
