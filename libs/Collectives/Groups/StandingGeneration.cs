namespace TrainMover.Collectives;

/// <summary>Phase 1 of a plan that is held before its cause: the plan is computed, and the data connections with the standby are open. Those that are not moved elsewhere are closed with it.</summary>
internal sealed class StandingGeneration(Membership membership, EdgeSet edges) : IDisposable
{
    public Topology To => membership.To;

    public EdgeSet Edges => edges;

    /// <exception cref="GroupSetupException">Whoever has the other ends did not open them in time.</exception>
    public static async Task<StandingGeneration> OpenAsync(Endpoint endpoint, Topology from, Topology to, TimeSpan patience, CancellationToken ct)
    {
        var membership = new Membership(from, to, endpoint.Machine, isStanding: true);
        using var connecting = new Connecting(endpoint, membership);
        await endpoint.SetUpAsync(membership, keepExpecting: false, patience, token => connecting.ConnectAsync([], token), ct).ConfigureAwait(false);
        return new StandingGeneration(membership, connecting.HandOver().Edges);
    }

    /// <summary>The generation as it is carried out: whoever takes part may connect then.</summary>
    public Membership CarriedOut => membership.CarriedOut();

    public void Dispose() => edges.Dispose();
}
