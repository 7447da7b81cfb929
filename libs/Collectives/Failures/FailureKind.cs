namespace TrainMover.Collectives;

/// <summary>How a generation failed.</summary>
public enum FailureKind
{
    /// <summary>A peer's connection was reset or ended without a goodbye: its process is gone.</summary>
    PeerReset,

    /// <summary>A peer sent nothing, not even a heart-beat, for <see cref="CollectivesOptions.PeerSilence"/>: stopped or cut off.</summary>
    PeerSilent,

    /// <summary>A call or a set-up took longer than its deadline.</summary>
    DeadlineExceeded,

    /// <summary>The owner of the group said so, through <see cref="MachineGroups.Fail"/>.</summary>
    Ordered,

    /// <summary>A peer sent what the call in progress does not expect: ranks disagree about the order or size of calls.</summary>
    ProtocolViolation,

    /// <summary>Another member met the failure first and passed it on; the suspect is the one that it named.</summary>
    ReportedByPeer,
}
