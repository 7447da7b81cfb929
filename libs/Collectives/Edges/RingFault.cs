namespace TrainMover.Collectives;

/// <summary>What broke a call or a switch on its connections.</summary>
internal sealed class RingFault(FailureKind kind, Member? suspect, string detail) : Exception(detail)
{
    public FailureKind Kind { get; } = kind;

    public Member? Suspect { get; } = suspect;
}
