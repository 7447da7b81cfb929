using TrainMover.Contracts.Telemetry;
using TrainMover.Detection.Campaigns.Manifest;

namespace TrainMover.Detection.Campaigns.Fleet;

/// <summary>What members say of a worker that they do not hear any more: at once where its process ended, after some hundred milliseconds where it fell silent.</summary>
internal sealed class PeerReports(PlannedRun run, Dice dice) : MessageSource("peers")
{
    private bool _isDone;

    protected override bool Produce()
    {
        if (_isDone) return false;
        _isDone = true;
        if (run.Fault is not { Type: FaultType.WorkerDeath or FaultType.MachineLoss or FaultType.SwitchLoss or FaultType.UnreachableWorker } fault) return false;
        var (soonest, latest) = fault.Type == FaultType.WorkerDeath ? (5, 150) : (80, 500);
        var left = run.Members.Except(fault.Machines, StringComparer.Ordinal).ToList();
        var reports = fault.Machines.SelectMany(suspect => Enumerable.Range(0, Math.Min(2, left.Count))
            .Select(_ => (At: fault.Onset + TimeSpan.FromMilliseconds(dice.Between(soonest, latest)), Suspect: suspect, Peer: dice.Pick(left)))).OrderBy(report => report.At).ToList();
        foreach (var (at, suspect, peer) in reports)
            Send(at, new PeerUnreachable(peer, PlannedRun.Job, 1, suspect, "the connection gave nothing in time", (long)at.TotalNanoseconds), dice);
        return true;
    }
}
