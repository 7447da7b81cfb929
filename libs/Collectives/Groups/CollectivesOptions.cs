namespace TrainMover.Collectives;

/// <summary>Deadlines of the data plane, and how it learns of lost peers.</summary>
public sealed record CollectivesOptions
{
    /// <summary>Longest time that one collective, or a state transfer without any progress, may take. Default 30 s.</summary>
    public TimeSpan CallDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time of one hand-shake, and of a connection that waits for this side to learn of its generation. Default 2 s.</summary>
    public TimeSpan HandshakeDeadline { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest time to make, prepare or switch a group. Default 20 s.</summary>
    public TimeSpan SetupDeadline { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Longest time for which members prepare while a joiner is not ready to be connected to: it runs its shadow iteration first, and training goes on. Default 2 min.</summary>
    public TimeSpan JoinerPatience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Time between two heart-beats on a bootstrap connection. Default 100 ms.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Silence on a bootstrap connection after which the peer counts as lost; of one that has not spoken on it yet, <see cref="SetupDeadline"/>. Default 2 s.</summary>
    public TimeSpan PeerSilence { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Whether a thread of this process holds a connection per peer that breaks as soon as the process is killed, and not only when the system has taken its memory back. Default true; without effect where the system does not allow it
    /// (<see cref="Endpoint.LifelineRefusal"/>).
    /// </summary>
    public bool Lifelines { get; init; } = true;

    /// <summary>Checks the deadlines as a whole.</summary>
    /// <exception cref="InvalidOperationException">Names the rule that is broken.</exception>
    public void Validate()
    {
        Require(HeartbeatInterval >= TimeSpan.FromMilliseconds(1), "HeartbeatInterval is at least 1 ms");
        Require(PeerSilence >= HeartbeatInterval * 3, "PeerSilence is at least three times HeartbeatInterval");
        Require(PeerSilence < CallDeadline, "PeerSilence is shorter than CallDeadline, so that a silent peer is named before a call gives up");
        Require(HandshakeDeadline >= TimeSpan.FromMilliseconds(10), "HandshakeDeadline is at least 10 ms");
        Require(HandshakeDeadline <= SetupDeadline, "HandshakeDeadline is not longer than SetupDeadline");
        Require(HandshakeDeadline <= JoinerPatience, "HandshakeDeadline is not longer than JoinerPatience");
        Require(JoinerPatience <= TimeSpan.FromDays(1) && CallDeadline <= TimeSpan.FromDays(1) && SetupDeadline <= TimeSpan.FromDays(1), "no deadline is longer than a day");
    }

    private static void Require(bool holds, string rule)
    {
        if (!holds)
            throw new InvalidOperationException($"Collectives options break a rule: {rule}.");
    }
}
