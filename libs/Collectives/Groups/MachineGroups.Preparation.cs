namespace TrainMover.Collectives;

public sealed partial class MachineGroups
{
    private bool _preparing;

    /// <summary>
    /// Phase 1 of a stayer, and of the leaver, which has no rank in the new topology. Opens bootstrap connections to the joiners, and those of the plan's data connections that have a joiner at an
    /// end; the groups go on working meanwhile. Works on a failed generation too, as long as the bootstrap connections to all other stayers live.
    /// </summary>
    /// <param name="to">The next generation of the same job.</param>
    /// <param name="ct">Gives up; the groups are not harmed.</param>
    /// <param name="reuse">False where the plan makes every connection anew: the same for all participants.</param>
    /// <param name="armed">Connections that are there already, from <see cref="ArmAsync"/>; null dials all.</param>
    /// <exception cref="ArgumentException">Another job, or a generation that does not rise.</exception>
    /// <exception cref="InvalidOperationException">A next generation is being prepared already, or the generation is closed.</exception>
    /// <exception cref="GroupSetupException">A joiner was not reached within <see cref="CollectivesOptions.JoinerPatience"/>, or a stayer is lost.</exception>
    public async Task<PreparedGroups> PrepareStayersAsync(Topology to, CancellationToken ct, bool reuse = true, ArmedLinks? armed = null)
    {
        ArgumentNullException.ThrowIfNull(to);
        lock (_gate)
        {
            if (_state == GroupState.Closed || _preparing)
                throw new InvalidOperationException($"{Topology} is {(_preparing ? "being replaced" : "closed")} already.");
            _preparing = true;
        }

        try
        {
            using var standing = armed?.Take(to);
            var membership = standing?.CarriedOut ?? new Membership(Topology, to, Machine, reuse);
            if (membership.IsJoiner)
                throw new ArgumentException($"{to} has {Machine} at another address.", nameof(to));
            using var connecting = new Connecting(_endpoint, membership);
            RequireStayers(membership);
            if (standing is null)
            {
                await _endpoint.SetUpAsync(
                    membership,
                    keepExpecting: true,
                    _endpoint.Options.JoinerPatience,
                    token => connecting.ConnectAsync(membership.Joiners.Where(joiner => armed?.Has(joiner.Machine) != true).Select(joiner => connecting.DialLinkAsync(joiner, token)), token),
                    ct).ConfigureAwait(false);
            }
            else
            {
                _endpoint.Expect(membership);
            }

            var (links, edges) = connecting.HandOver();
            standing?.Edges.MoveTo(edges);
            armed?.LendTo(links, to);
            foreach (var (peer, link) in _links)
                links.TryAdd(peer, link);
            var prepared = new PreparedGroups(_endpoint, membership, this, links, edges);
            lock (_gate)
            {
                if (_state == GroupState.Normal)
                    _state = GroupState.ReadyToSwitchOut;
            }

            foreach (var (_, lacking) in membership.Part.Stays.Where(pair => !Has(pair.Old)))
                membership.Renew(lacking);
            prepared.Attach(links.Values);
            prepared.TellLacking();
            return prepared;
        }
        catch
        {
            PreparationEnded();
            throw;
        }
    }

    /// <summary>
    /// Connects with a standby before anybody is lost, so that phase 1 with it in the place of any one machine has its bootstrap connections already, and of the plans that are given its data connections too.
    /// </summary>
    /// <param name="arming">A topology of a generation of its own, in which the standby has the place of whichever machine; nobody switches to it. The same for all.</param>
    /// <param name="plans">Generations that may follow, each with the standby in the place of another machine. The same for all.</param>
    /// <param name="followed">The member whose state the standby follows; null for none. The same for all.</param>
    /// <param name="streams">Connections for the state of that member.</param>
    /// <param name="ct">Gives up; the groups are not harmed.</param>
    /// <exception cref="ArgumentException">Another job, a generation that does not rise, or more than one machine that joins.</exception>
    /// <exception cref="GroupSetupException">The standby was not reached within <see cref="CollectivesOptions.JoinerPatience"/>.</exception>
    public async Task<ArmedLinks> ArmAsync(Topology arming, IReadOnlyList<Topology> plans, string? followed, int streams, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(arming);
        var membership = new Membership(Topology, arming, Machine);
        if (membership.Joiners is not [var standby])
            throw new ArgumentException($"{arming} has {membership.Joiners.Count} machines more than {Topology}, not one.", nameof(arming));
        return await _endpoint.ArmAsync(
            membership,
            plans,
            _endpoint.Options.JoinerPatience,
            (connecting, token) => Task.WhenAll(connecting.DialLinkAsync(standby, token), connecting.DialStreamsAsync(standby, followed == Machine ? streams : 0, token)),
            ct).ConfigureAwait(false);
    }

    /// <summary>What was prepared is dropped or done.</summary>
    internal void PreparationEnded()
    {
        lock (_gate)
        {
            _preparing = false;
            if (_state == GroupState.ReadyToSwitchOut)
                _state = GroupState.Normal;
        }
    }

    private bool Has(RingEdge edge) =>
        (edge.FromMachine != Machine || Of(edge.FromRank).Writes(edge)) && (edge.ToMachine != Machine || Of(edge.ToRank).Reads(edge));

    private void RequireStayers(Membership membership)
    {
        foreach (var stayer in membership.Stayers.Where(stayer => stayer.Machine != membership.Machine))
        {
            if (_links[stayer.Machine].LossDetail is { } detail)
                throw new GroupSetupException($"The bootstrap connection with {stayer.Machine}, which stays, is lost: {detail}", stayer.Machine);
        }
    }
}
