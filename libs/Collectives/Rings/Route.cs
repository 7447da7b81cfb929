namespace TrainMover.Collectives;

/// <summary>Connections that carry one call, or a share of it, and how far it got on them. Never allocates during a call.</summary>
internal abstract unsafe class Route : IDisposable
{
    // What is forwarded in one piece: small enough for the cache, so that the next rank reads what is warm.
    protected const int PieceBytes = 256 * 1024;

    /// <summary>Most descriptors that <see cref="Describe"/> adds.</summary>
    public const int MostDescriptors = 6;

    public abstract IEnumerable<DataEdge> Edges { get; }

    /// <summary>Whether the call is over here, and nobody reads this rank's memory any more.</summary>
    public abstract bool IsDone { get; }

    /// <summary>Who is waited for.</summary>
    public abstract Member Awaited { get; }

    /// <summary>Forgets the connections.</summary>
    public abstract void Release();

    /// <summary>Moves what can be moved now. Whether anything did.</summary>
    /// <exception cref="RingFault">A peer is gone, or in another call.</exception>
    public abstract bool Advance();

    /// <summary>Adds what a sleeper waits for; how many.</summary>
    public abstract int Describe(PollDescriptor* into);

    /// <summary>Looks at what poll said of the descriptors, in the same order; how many.</summary>
    /// <exception cref="RingFault">A peer is gone.</exception>
    public abstract int Check(PollDescriptor* returned);

    /// <summary>Closes the connections that it still has.</summary>
    public virtual void Dispose()
    {
        foreach (var edge in Edges)
            edge.Dispose();
    }

    protected static void Expect(in RingFrame expected, InboundEdge inbound)
    {
        var header = inbound.Header;
        if (header.Generation != expected.Generation || header.Sequence != expected.Sequence || header.Kind != expected.Kind || header.Root != expected.Root || header.Length != expected.Length)
            throw new RingFault(FailureKind.ProtocolViolation, inbound.Peer, $"{inbound.Peer.Machine} is in {header}; this rank is in {expected}.");
    }

    protected static void ExpectQuiet(OutboundEdge outbound, in PollDescriptor returned)
    {
        if (returned is { Events: 0, Returned: not 0 })
            throw new RingFault(FailureKind.PeerReset, outbound.Peer, $"The data connection to {outbound.Peer.Machine} broke.");
    }
}
