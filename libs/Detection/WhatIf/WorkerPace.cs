using TrainMover.Detection.Statistics;

namespace TrainMover.Detection.WhatIf;

/// <summary>How long each worker computes in each step, beside those that have the same stage: the same layers on other data.</summary>
internal sealed class WorkerPace
{
    private const double ClearlySlower = 1.05;
    private readonly Dictionary<(int Replica, int Stage), double[]> _seconds;
    private readonly int _replicas;

    public WorkerPace(Timeline timeline)
    {
        _replicas = timeline.Replicas;
        var computes = timeline.Keys.Index().Where(key => OperationTypes.IsCompute(key.Item.Type)).ToLookup(key => key.Item.Stage, key => key.Index);
        _seconds = (from stage in computes
                    from replica in Enumerable.Range(0, _replicas)
                    select (Worker: (replica, stage.Key), Seconds: Enumerable.Range(0, timeline.Steps.Count)
                        .Select(step => stage.Sum(operation => timeline.Duration(step, (operation * _replicas) + replica))).ToArray()))
            .ToDictionary(worker => worker.Worker, worker => worker.Seconds);
    }

    /// <summary>Median over the steps of the worker's computation against the median of its peers.</summary>
    public double AgainstPeers(int replica, int stage) => _replicas == 1 ? 1 : Robust.Median(Ratios(replica, stage));

    /// <summary>Part of the steps in which the worker was the slowest on its stage, clearly.</summary>
    public double SlowSteps(int replica, int stage)
    {
        if (_replicas == 1) return 0;
        var ratios = Ratios(replica, stage);
        var own = _seconds[(replica, stage)];
        return ratios.Index().Count(ratio => ratio.Item >= ClearlySlower && Peers(replica, stage).All(peer => peer[ratio.Index] <= own[ratio.Index])) / (double)ratios.Length;
    }

    private double[] Ratios(int replica, int stage)
    {
        var peers = Peers(replica, stage).ToList();
        return [.. _seconds[(replica, stage)].Select((seconds, step) => seconds / Robust.Median([.. peers.Select(peer => peer[step])]))];
    }

    private IEnumerable<double[]> Peers(int replica, int stage) =>
        Enumerable.Range(0, _replicas).Where(other => other != replica).Select(other => _seconds[(other, stage)]);
}
