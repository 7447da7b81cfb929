using static TrainMover.Detection.WhatIf.OperationTypes;

namespace TrainMover.Detection.WhatIf;

/// <summary>Names an operation of a step within one model-parallel group; the same for all steps and replicas.</summary>
internal readonly record struct OperationKey(string Type, int Sequence, int Stage);

/// <summary>
/// What has to end before an operation begins, and which operations are one exchange: from the order on the streams of each worker, the schedule of the pipeline and
/// the collectives at the end of a step. Read from the first replica's first step.
/// </summary>
internal sealed class DependencyModel
{
    // Clocks of workers differ by up to this.
    private const double ClockSkew = 5e-5;
    private readonly Dictionary<OperationKey, int> _numbers = [];
    private readonly List<int>[] _after;
    private readonly int[] _exchangeOf;
    private readonly List<int[]> _exchanges = [];

    private DependencyModel(IReadOnlyList<Operation> operations)
    {
        Keys = [.. operations.Select(KeyOf)];
        foreach (var (number, operation) in operations.Index())
        {
            if (!_numbers.TryAdd(Keys[number], number)) throw Twice(operation);
        }

        _after = [.. Keys.Select(_ => new List<int>())];
        _exchangeOf = [.. Keys.Select(_ => -1)];
    }

    /// <summary>The operations of a step in one model-parallel group.</summary>
    public IReadOnlyList<OperationKey> Keys { get; }

    /// <summary>Operations and exchanges in an order in which each comes after what it waits for.</summary>
    public IReadOnlyList<Unit> Order { get; private set; } = [];

    /// <summary>What an operation waits for.</summary>
    public IReadOnlyList<int> After(int operation) => _after[operation];

    /// <summary>Whether an operation is part of an exchange, so that its recorded duration holds waiting for others.</summary>
    public bool IsExchange(int operation) => _exchangeOf[operation] >= 0;

    public int? Find(OperationKey key) => _numbers.TryGetValue(key, out var number) ? number : null;

    public static OperationKey KeyOf(Operation operation) => new(operation.Type, operation.Sequence, operation.Stage);

    public static TraceException Twice(Operation operation) =>
        new($"{operation.Type} {operation.Sequence} of rank {operation.Rank} was recorded twice in step {operation.Step}.");

    /// <exception cref="TraceException">The operations wait for each other in a circle.</exception>
    public static DependencyModel Of(IReadOnlyList<Operation> group, bool hasReplicas)
    {
        var model = new DependencyModel(group);
        var stages = group.Max(operation => operation.Stage) + 1;
        var overlapped = group.Any(operation => operation.Type == SeparateGradsAllReduce);
        var pairs = new PipelinePairs(group, stages, ClockSkew);
        for (var stage = 0; stage < stages; stage++)
        {
            var own = InOrder(group.Where(operation => operation.Stage == stage));
            var computes = own.Where(operation => IsCompute(operation.Type)).ToList();
            if (computes.Count == 0) throw new TraceException($"Stage {stage} computes nothing in the first step.");
            model.Chain(computes.Select(KeyOf));
            foreach (var stream in own.Where(operation => IsPointToPoint(operation.Type)).GroupBy(operation => operation.Type)) model.Chain(stream.Select(KeyOf));
            model.AddPipeline(pairs, stage, computes);
            if (hasReplicas) model.AddReplicas(own, computes, overlapped);
            model.AddEnd(own, computes, stage, stages, hasReplicas, overlapped);
        }

        foreach (var pair in pairs.Exchanges) model.AddExchange(pair);
        if (hasReplicas)
        {
            foreach (var key in model.Keys.Where(key => key.Type is ParamsAllGather or GradsReduceScatter or SeparateGradsAllReduce)) model.AddExchange([key]);
        }

        model.AddExchange(model.Keys.Where(key => key is { Type: EmbeddingGradsAllReduce, Sequence: 0 } && (key.Stage == 0 || key.Stage == stages - 1)));
        model.AddExchange(model.Keys.Where(key => key is { Type: ClipGradients, Sequence: 0 }));
        model.Order = [.. model.Sorted()];
        return model;
    }

    private static List<Operation> InOrder(IEnumerable<Operation> operations) =>
        [.. operations.OrderBy(operation => operation.Start).ThenBy(operation => operation.Sequence).ThenBy(operation => operation.Type, StringComparer.Ordinal)];

    private void AddPipeline(PipelinePairs pairs, int stage, List<Operation> computes)
    {
        foreach (var (transfer, compute) in pairs.Matches(stage))
        {
            if (transfer.Type is ForwardSend or BackwardSend)
            {
                Wait(transfer, compute);
                continue;
            }

            Wait(compute, transfer);
            if (compute.Sequence > 0) Wait(transfer, compute with { Sequence = compute.Sequence - 1 });
        }

        // The first exchange of gradients is issued after the forward computation before the last one of the warm-up.
        var first = computes.FindIndex(operation => operation.Type == BackwardCompute);
        if (first < 2) return;
        foreach (var type in new[] { BackwardReceive, BackwardSend }) Wait(new OperationKey(type, 0, stage), KeyOf(computes[first - 2]));
    }

    private void AddReplicas(List<Operation> own, List<Operation> computes, bool overlapped)
    {
        Chain(own.Where(operation => operation.Type is ParamsAllGather or GradsReduceScatter).Select(KeyOf));
        // Where a chunk's parameters come in several parts, the last one frees its first computation.
        foreach (var gathered in own.Where(operation => operation.Type == ParamsAllGather).GroupBy(operation => operation.Chunk).Select(parts => parts.MaxBy(part => part.Sequence)))
        {
            if (computes.FindIndex(operation => operation.Type == ForwardCompute && operation.Chunk == gathered.Chunk) is >= 0 and var index) Wait(KeyOf(computes[index]), KeyOf(gathered));
        }

        if (!overlapped) return;
        foreach (var scattered in own.Where(operation => operation.Type == GradsReduceScatter).GroupBy(operation => operation.Chunk).Select(parts => parts.MinBy(part => part.Sequence)))
        {
            var last = computes.Where(operation => operation.Type == BackwardCompute && operation.Chunk == scattered.Chunk).ToList();
            if (last.Count > 0) Wait(KeyOf(scattered), KeyOf(last.MaxBy(operation => operation.End)));
        }
    }

    private void AddEnd(List<Operation> own, List<Operation> computes, int stage, int stages, bool hasReplicas, bool overlapped)
    {
        var collected = new OperationKey(GarbageCollection, 0, stage);
        var scatters = own.Where(operation => operation.Type == GradsReduceScatter).Select(KeyOf).OrderBy(key => key.Sequence).ToList();
        var chain = new List<OperationKey> { KeyOf(computes.MaxBy(operation => operation.End)), collected, new(LayerNormGradsAllReduce, 0, stage) };
        if (stage == 0 || stage == stages - 1) chain.Add(new OperationKey(EmbeddingGradsAllReduce, 0, stage));
        if (hasReplicas && overlapped) chain.Add(new OperationKey(SeparateGradsAllReduce, 0, stage));
        if (hasReplicas && !overlapped) chain.AddRange(scatters);
        chain.Add(new OperationKey(ClipGradients, 0, stage));
        chain.Add(new OperationKey(Optimizer, 0, stage));
        Chain(chain);
        if (hasReplicas && overlapped && scatters.Count > 0) Wait(chain[2], scatters[^1]);
    }

    // Operations that were not recorded are left out of a chain.
    private void Chain(IEnumerable<OperationKey> keys)
    {
        OperationKey? before = null;
        foreach (var key in keys.Where(_numbers.ContainsKey))
        {
            if (before is { } earlier) Wait(key, earlier);
            before = key;
        }
    }

    private void Wait(OperationKey later, OperationKey earlier)
    {
        if (Find(later) is { } number && Find(earlier) is { } awaited && !_after[number].Contains(awaited)) _after[number].Add(awaited);
    }

    private void AddExchange(IEnumerable<OperationKey> keys)
    {
        var members = keys.Select(Find).OfType<int>().ToArray();
        if (members.Length == 0) return;
        foreach (var member in members) _exchangeOf[member] = _exchanges.Count;
        _exchanges.Add(members);
    }

    private IEnumerable<Unit> Sorted()
    {
        var units = new List<Unit>();
        var unitOf = new int[Keys.Count];
        for (var operation = 0; operation < Keys.Count; operation++)
        {
            if (_exchangeOf[operation] is >= 0 and var exchange && _exchanges[exchange][0] != operation) continue;
            int[] members = IsExchange(operation) ? _exchanges[_exchangeOf[operation]] : [operation];
            foreach (var member in members) unitOf[member] = units.Count;
            units.Add(new Unit(members, IsExchange(operation), IsAcrossReplicas(Keys[operation].Type)));
        }

        var waiting = new int[units.Count];
        var next = units.Select(_ => new List<int>()).ToArray();
        for (var operation = 0; operation < Keys.Count; operation++)
        {
            foreach (var earlier in _after[operation].Select(awaited => unitOf[awaited]).Where(unit => unit != unitOf[operation]))
            {
                next[earlier].Add(unitOf[operation]);
                waiting[unitOf[operation]]++;
            }
        }

        var free = new Queue<int>(Enumerable.Range(0, units.Count).Where(unit => waiting[unit] == 0));
        var sorted = 0;
        for (; free.TryDequeue(out var unit); sorted++)
        {
            yield return units[unit];
            foreach (var later in next[unit])
            {
                if (--waiting[later] == 0) free.Enqueue(later);
            }
        }

        if (sorted == units.Count) yield break;
        var stuck = units.Index().Where(unit => waiting[unit.Index] > 0).Select(unit => Keys[unit.Item.Members[0]]).First();
        throw new TraceException($"Operations wait for each other in a circle, e.g. {stuck.Type} {stuck.Sequence} of stage {stuck.Stage}.");
    }

    /// <param name="Members">The operations.</param>
    /// <param name="IsExchange">They end together: the transfer begins when the last of them began.</param>
    /// <param name="AcrossReplicas">All replicas take part.</param>
    internal sealed record Unit(int[] Members, bool IsExchange, bool AcrossReplicas);
}
