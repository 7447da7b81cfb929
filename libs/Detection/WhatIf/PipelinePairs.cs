using static TrainMover.Detection.WhatIf.OperationTypes;

namespace TrainMover.Detection.WhatIf;

/// <summary>
/// Which transfer between stages feeds or follows which computation, and which transfers are two ends of one. Transfers carry no micro-batch: both follow from the
/// order. With several chunks per stage a worker also records transfers that were never launched; they are left alone.
/// </summary>
internal sealed class PipelinePairs
{
    private readonly Dictionary<int, List<(OperationKey Transfer, OperationKey Compute)>> _matches = [];
    private readonly Dictionary<(string Type, int Stage), List<OperationKey>> _launched = [];
    private readonly List<OperationKey> _idle = [];

    public PipelinePairs(IReadOnlyList<Operation> group, int stages, double clockSkew)
    {
        var chunks = Math.Max(0, group.Max(operation => operation.Chunk)) + 1;
        for (var stage = 0; stage < stages; stage++)
        {
            _matches[stage] = [];
            foreach (var type in new[] { ForwardSend, ForwardReceive, BackwardSend, BackwardReceive })
                Match(group.Where(operation => operation.Stage == stage).ToList(), stage, type, chunks * stages, clockSkew);
        }

        Exchanges = [.. _launched.Where(end => end.Key.Type is ForwardSend or BackwardSend).SelectMany(end => Pair(end.Key.Type, end.Key.Stage, end.Value, stages)), .. _idle.Select(key => new[] { key })];
    }

    /// <summary>Transfers that are one exchange: two ends, or one that was never launched.</summary>
    public IReadOnlyList<OperationKey[]> Exchanges { get; }

    /// <summary>Each transfer of a stage with the computation that it feeds (receive) or follows (send).</summary>
    public IReadOnlyList<(OperationKey Transfer, OperationKey Compute)> Matches(int stage) => _matches[stage];

    private void Match(List<Operation> own, int stage, string type, int chunks, double clockSkew)
    {
        var isForward = type is ForwardSend or ForwardReceive;
        var isSend = type is ForwardSend or BackwardSend;
        var computes = own.Where(operation => operation.Type == (isForward ? ForwardCompute : BackwardCompute)).OrderBy(operation => operation.Sequence).ToList();
        var transfers = own.Where(operation => operation.Type == type).OrderBy(operation => operation.Start).ThenBy(operation => operation.Sequence).ToList();
        if (transfers.Count == 0 || computes.Count == 0) return;

        // A receive after the last computation began feeds nothing, a send before the first one ended carries nothing.
        var lastStart = computes.Max(compute => compute.Start);
        var firstEnd = computes.Min(compute => compute.End);
        var used = transfers.Where(transfer => isSend ? transfer.End >= firstEnd - clockSkew : transfer.Start <= lastStart + clockSkew).ToList();
        _idle.AddRange(transfers.Except(used).Select(DependencyModel.KeyOf));
        var skipped = !isSend && used.Count == computes.Count - 1 ? 1 : 0;
        if (used.Count + skipped > computes.Count)
            throw new TraceException($"Stage {stage} has {used.Count} {type} operations for {computes.Count} computations.");

        var launched = _launched[(type, stage)] = [];
        foreach (var (index, transfer) in used.Index())
        {
            var compute = computes[index + skipped];
            var key = DependencyModel.KeyOf(transfer);
            _matches[stage].Add((key, DependencyModel.KeyOf(compute)));
            var peer = compute.GlobalChunk + (type is ForwardSend or BackwardReceive ? 1 : -1);
            if (peer >= 0 && peer < chunks) launched.Add(key);
            else _idle.Add(key);
        }
    }

    private IEnumerable<OperationKey[]> Pair(string type, int stage, List<OperationKey> sends, int stages)
    {
        var (peerType, peerStage) = type == ForwardSend ? (ForwardReceive, (stage + 1) % stages) : (BackwardReceive, (stage + stages - 1) % stages);
        var receives = _launched.GetValueOrDefault((peerType, peerStage)) ?? [];
        return receives.Count == sends.Count
            ? sends.Zip(receives, (send, receive) => new[] { send, receive })
            : throw new TraceException($"Stage {stage} has {sends.Count} {type} operations, stage {peerStage} has {receives.Count} {peerType} operations.");
    }
}
