namespace TrainMover.Collectives;

// After a switch that failed half-way, or a broken connection, an end that the next plan keeps may be missing. Stayers tell each other in phase 1, so that both ends know.
public sealed partial class PreparedGroups
{
    private readonly HashSet<string> _untold;
    private readonly TaskCompletionSource _allTold = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Every stayer that connections are kept with is told which of them this machine lacks and makes anew: mostly none.</summary>
    internal void TellLacking()
    {
        foreach (var peer in KeptNeighbours())
            TellLacking(_links[peer], asks: true);
    }

    private void TellLacking(BootstrapLink link, bool asks)
    {
        var edges = _membership.Renewed.Where(edge => edge.Touches(link.Peer.Machine)).Take(LackNotice.MostEdges).ToList();
        Send(link, LinkFrameKind.Lacking, new LackNotice(asks, edges).Encode());
    }

    private void HearLacking(BootstrapLink link, LackNotice notice)
    {
        bool isLast;
        lock (_gate)
        {
            if (_untold.Remove(link.Peer.Machine))
            {
                foreach (var edge in notice.Edges.Where(edge => edge.Touches(_membership.Machine) && edge.Touches(link.Peer.Machine)))
                    _membership.Renew(edge);
            }

            isLast = _untold.Count == 0;
        }

        if (notice.Asks)
            TellLacking(link, asks: false);
        if (isLast)
            _allTold.TrySetResult();
    }

    private Task EverybodyToldAsync(CancellationToken ct)
    {
        lock (_gate)
        {
            if (_untold.Count == 0)
                return Task.CompletedTask;
        }

        return _allTold.Task.WaitAsync(ct);
    }

    private HashSet<string> KeptNeighbours() => [.. _membership.Part.Stays.Select(pair => pair.New).Where(edge => !edge.IsIntraMachine).Select(OtherEndOf)];

    private string OtherEndOf(RingEdge edge) => edge.FromMachine == _membership.Machine ? edge.ToMachine : edge.FromMachine;
}
