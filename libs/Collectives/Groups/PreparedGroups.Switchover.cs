using System.Diagnostics;

namespace TrainMover.Collectives;

public sealed partial class PreparedGroups
{
    /// <summary>
    /// Phase 2, for all ranks of this machine at once: closes exactly the plan's removed connections, takes exactly its added ones into use (those between stayers are opened here), and keeps the
    /// others, on which it waits for the neighbours' marks of the new generation. From here on the new generation is the one in force: when a connection cannot be made, the groups that come back have failed, with the cause,
    /// so that all machines go on from the same generation.
    /// </summary>
    /// <param name="ct">Bounds the wait, as <see cref="CollectivesOptions.SetupDeadline"/> does; cancelling fails the new groups.</param>
    /// <returns>The new groups, and what was done to this machine's connections; equal to <see cref="DeltaPlan.For"/> unless connections were missing.</returns>
    /// <exception cref="InvalidOperationException">Switched or dropped already, or this machine is a leaver.</exception>
    public Task<(MachineGroups Groups, ConnectionCounts Counts)> SwitchoverAsync(CancellationToken ct)
    {
        var switching = () =>
        {
            var switched = Switchover(ct);
            Conclude();
            return switched;
        };
        return Task.Factory.StartNew(switching, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>
    /// As <see cref="SwitchoverAsync"/>, on the calling thread, and without its end: where only marks are waited for no other thread takes part, and none has to be woken. <see cref="Conclude"/> follows when nobody waits any more.
    /// </summary>
    /// <inheritdoc cref="SwitchoverAsync"/>
    public (MachineGroups Groups, ConnectionCounts Counts) Switchover(CancellationToken ct)
    {
        if (_membership.Rank is null)
            throw new InvalidOperationException($"{_membership.Machine} leaves: it has no rank in {Topology}.");
        lock (_gate)
        {
            if (_phase != Phase.Prepared)
                throw new InvalidOperationException($"Generation {Topology.Generation} is switched to or dropped already.");
            _phase = Phase.Switching;
        }

        var edges = new SwitchedEdges(_endpoint, _membership);
        edges.TakePrepared(_edges);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct, _ended.Token);
        deadline.CancelAfter(_endpoint.Options.SetupDeadline);
        GroupFailure? failure = null;
        try
        {
            EverybodyToldAsync(deadline.Token).GetAwaiter().GetResult();
            if (_old is not null)
                edges.TakeOld(_old.ReleaseConnections());
            edges.Complete(deadline.Token);
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

    /// <summary>Ends what <see cref="Switchover"/> replaced: the old groups, and the connections with leavers, who are told. Only the first call after it has an effect.</summary>
    public void Conclude()
    {
        List<BootstrapLink> leavers;
        lock (_gate)
        {
            if (_phase != Phase.Switched)
                return;
            _phase = Phase.Ended;
            leavers = [.. _links.Values.Where(link => !IsMember(link))];
        }

        foreach (var link in leavers)
        {
            if (_old is null)
                link.Send(LinkFrameKind.Goodbye, _membership.Scope, []);
            link.Detach(_membership.Scope, this);
        }

        _old?.Replaced(_membership.Scope, Topology);
        End(made: true);
    }

    private MachineGroups Replace(SwitchedEdges edges, GroupFailure? failure)
    {
        Dictionary<string, BootstrapLink> members;
        lock (_gate)
        {
            _phase = Phase.Switched;
            members = _links.Where(pair => IsMember(pair.Value)).ToDictionary();
        }

        var groups = new MachineGroups(_endpoint, _membership, members, edges.Edges);
        groups.Attach();
        if ((Volatile.Read(ref _lost) ?? failure) is { } cause)
            groups.Fail(cause);
        return groups;
    }
}
