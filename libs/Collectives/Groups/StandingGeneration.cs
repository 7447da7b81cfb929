namespace TrainMover.Collectives;

/// <summary>Phase 1 of a plan that is held before its cause: the plan is computed, whoever takes part may connect, and the data connections with the standby are open. Unless it is taken, all of it is given up again.</summary>
internal sealed class StandingGeneration(Endpoint endpoint, Membership membership, EdgeSet edges) : IDisposable
{
    public Membership Membership => membership;

    public EdgeSet Edges => edges;

    /// <exception cref="GroupSetupException">Whoever has the other ends did not open them in time.</exception>
    public static async Task<StandingGeneration> OpenAsync(Endpoint endpoint, Membership membership, TimeSpan patience, CancellationToken ct)
    {
        using var connecting = new Connecting(endpoint, membership);
        await endpoint.SetUpAsync(membership, keepExpecting: true, patience, token => connecting.ConnectAsync([], token), ct).ConfigureAwait(false);
        return new StandingGeneration(endpoint, membership, connecting.HandOver().Edges);
    }

    public void Dispose()
    {
        edges.Dispose();
        endpoint.Forget(membership, made: false);
    }
}
