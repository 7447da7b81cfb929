using System.Diagnostics;

namespace TrainMover.Collectives;

public sealed partial class PreparedGroup
{
    /// <summary>
    /// Phase 2: closes exactly the plan's removed connections of this rank, opens exactly its added ones, and keeps the sockets of the kept ones, on which it waits
    /// for the neighbour's mark of the new generation. From here on the new generation is the one in force: when a connection cannot be made, the group
    /// that comes back has failed, with the cause, so that all members go on from the same generation.
    /// </summary>
    /// <param name="ct">Bounds the wait, as <see cref="CollectivesOptions.SetupDeadline"/> does; cancelling fails the new group.</param>
    /// <returns>The new group, and what was done to this rank's connections; equal to <see cref="DeltaPlan.For"/> unless connections were missing.</returns>
    /// <exception cref="InvalidOperationException">Switched or dropped already, or this machine is a leaver.</exception>
    public async Task<(CommunicationGroup Group, ConnectionCounts Counts)> SwitchoverAsync(CancellationToken ct)
    {
        if (_membership.Rank is not { } rank)
            throw new InvalidOperationException($"{_membership.Machine} leaves: it has no rank in {Topology}.");
        lock (_gate)
        {
            if (_phase != Phase.Prepared)
                throw new InvalidOperationException($"Generation {Topology.Generation} is switched to or dropped already.");
            _phase = Phase.Switching;
        }

        var edges = new SwitchedEdges(_endpoint, _membership, rank);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct, _ended.Token);
        deadline.CancelAfter(_endpoint.Options.SetupDeadline);
        GroupFailure? failure = null;
        try
        {
            var (outbound, inbound) = _old?.ReleaseConnections() ?? (_outbound, _inbound);
            edges.Take(outbound, inbound, prepared: _old is null);
            await edges.CompleteAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (RingFault fault)
        {
            failure = CommunicationGroup.AsFailure(fault);
        }
        catch (Exception broken) when (broken is OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            failure = new GroupFailure(FailureKind.DeadlineExceeded, null, null, $"The switch did not come through: {broken.Message}", Stopwatch.GetTimestamp());
        }

        return (Replace(edges, failure), edges.Counts);
    }

    private CommunicationGroup Replace(SwitchedEdges edges, GroupFailure? failure)
    {
        Dictionary<string, BootstrapLink> members;
        List<BootstrapLink> others;
        lock (_gate)
        {
            _phase = Phase.Ended;
            members = _links.Where(pair => IsMember(pair.Value)).ToDictionary();
            others = [.. _links.Values.Where(link => !IsMember(link))];
        }

        var group = new CommunicationGroup(_endpoint, _membership, members, edges.Outbound, edges.Inbound);
        group.Attach();
        foreach (var link in others)
        {
            if (_old is null)
                link.Send(LinkFrameKind.Goodbye, _membership.Scope, []);
            link.Detach(_membership.Scope, this);
        }

        _old?.Replaced(_membership.Scope, Topology);
        End(made: true);
        if ((Volatile.Read(ref _lost) ?? failure) is { } cause)
            group.Fail(cause);
        return group;
    }
}
