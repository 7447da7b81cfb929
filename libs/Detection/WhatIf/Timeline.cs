using TrainMover.Detection.Statistics;

namespace TrainMover.Detection.WhatIf;

/// <summary>Durations of all operations of a trace without the waiting for others, and the time that a step takes with these or other durations.</summary>
internal sealed class Timeline
{
    // What ends this much before its last partner begins was recorded by clocks that disagree.
    private const double Impossible = -1e-2;
    private readonly DependencyModel _model;
    private readonly int _replicas;
    private readonly double[][] _durations;
    private readonly double[] _usual;

    private Timeline(DependencyModel model, int replicas, double[][] durations, IReadOnlyList<int> steps, IReadOnlyList<double> measured, int incomplete, int[] ranks)
    {
        (_model, _replicas, _durations, Steps, Measured, IncompleteSteps, Ranks) = (model, replicas, durations, steps, measured, incomplete, ranks);
        _usual = Usual();
    }

    public IReadOnlyList<int> Steps { get; }

    /// <summary>Measured time of each step in seconds.</summary>
    public IReadOnlyList<double> Measured { get; }

    /// <summary>Steps that were left out because operations were not recorded.</summary>
    public int IncompleteSteps { get; }

    /// <summary>Global rank of each operation and replica.</summary>
    public IReadOnlyList<int> Ranks { get; }

    public IReadOnlyList<OperationKey> Keys => _model.Keys;

    public int Replicas => _replicas;

    /// <exception cref="TraceException">The operations do not fit together.</exception>
    public static Timeline Of(OperationTrace trace)
    {
        if (trace.Operations.Count == 0) throw new TraceException("The trace holds no operations.");
        var replicas = trace.Operations.Max(operation => operation.DpRank) + 1;
        var byStep = trace.Operations.GroupBy(operation => operation.Step).OrderBy(step => step.Key).ToList();
        var model = DependencyModel.Of([.. byStep[0].Where(operation => operation.DpRank == 0)], replicas * trace.SequenceParallel > 1);
        var steps = new List<int>();
        var measured = new List<double>();
        var durations = new List<double[]>();
        var ranks = new int[model.Keys.Count * replicas];
        foreach (var step in byStep)
        {
            if (Recorded(model, replicas, step) is not { } operations) continue;
            steps.Add(step.Key);
            measured.Add(step.Max(operation => operation.End) - step.Min(operation => operation.Start));
            durations.Add(WithoutWaiting(model, replicas, operations));
            foreach (var (index, operation) in operations.Index()) ranks[index] = operation.Rank;
        }

        return steps.Count > 0
            ? new Timeline(model, replicas, [.. durations], steps, measured, byStep.Count - steps.Count, ranks)
            : throw new TraceException("No step is complete: each needs the same operations in all replicas.");
    }

    /// <summary>Recorded duration of an operation without waiting.</summary>
    public double Duration(int step, int index) => _durations[step][index];

    /// <summary>Duration that an operation would have if all of its type took the same time.</summary>
    public double Usually(int index) => _usual[index / _replicas];

    /// <summary>Times of all steps in seconds, where the operations for which <paramref name="isRecorded"/> holds take as long as recorded, and the others as long as usual.</summary>
    public double[] StepTimes(Func<int, bool> isRecorded)
    {
        var chosen = Enumerable.Range(0, Keys.Count * _replicas).Select(isRecorded).ToArray();
        var times = new double[Steps.Count];
        var ends = new double[chosen.Length];
        for (var step = 0; step < times.Length; step++)
        {
            var recorded = _durations[step];
            times[step] = StepTime(index => chosen[index] ? recorded[index] : _usual[index / _replicas], ends);
        }

        return times;
    }

    // An operation begins when all that it waits for has ended; an exchange transfers once the last partner is there.
    private double StepTime(Func<int, double> duration, double[] ends)
    {
        var end = 0.0;
        Span<double> starts = stackalloc double[_replicas];
        foreach (var unit in _model.Order)
        {
            starts.Clear();
            foreach (var member in unit.Members)
            {
                foreach (var earlier in _model.After(member))
                {
                    for (var replica = 0; replica < _replicas; replica++) starts[replica] = Math.Max(starts[replica], ends[(earlier * _replicas) + replica]);
                }
            }

            if (unit.IsExchange && unit.AcrossReplicas)
            {
                var last = 0.0;
                foreach (var start in starts) last = Math.Max(last, start);
                starts.Fill(last);
            }

            foreach (var member in unit.Members)
            {
                for (var replica = 0; replica < _replicas; replica++)
                {
                    var index = (member * _replicas) + replica;
                    ends[index] = starts[replica] + duration(index);
                    if (Keys[member].Type == OperationTypes.Optimizer) end = Math.Max(end, ends[index]);
                }
            }
        }

        return end;
    }

    private static Operation[]? Recorded(DependencyModel model, int replicas, IEnumerable<Operation> step)
    {
        var operations = new Operation[model.Keys.Count * replicas];
        var count = 0;
        foreach (var operation in step)
        {
            if (model.Find(DependencyModel.KeyOf(operation)) is not { } number) continue;
            ref var place = ref operations[(number * replicas) + operation.DpRank];
            if (place.Type is not null) throw DependencyModel.Twice(operation);
            place = operation;
            count++;
        }

        return count == operations.Length ? operations : null;
    }

    // A transfer takes from the moment the last partner was there.
    private static double[] WithoutWaiting(DependencyModel model, int replicas, Operation[] operations)
    {
        var durations = operations.Select(operation => operation.Duration).ToArray();
        foreach (var unit in model.Order.Where(unit => unit.IsExchange))
        {
            for (var replica = 0; replica < replicas; replica++)
            {
                var partners = unit.Members.SelectMany(member => unit.AcrossReplicas ? Enumerable.Range(member * replicas, replicas) : [(member * replicas) + replica]);
                var last = partners.Max(index => operations[index].Start);
                foreach (var index in unit.Members.Select(member => (member * replicas) + replica))
                {
                    var transfer = operations[index].End - last;
                    durations[index] = transfer <= Impossible ? 0 : transfer;
                }
            }
        }

        return durations;
    }

    private double[] Usual()
    {
        var byType = Enumerable.Range(0, Keys.Count).GroupBy(operation => Keys[operation].Type).ToDictionary(
            type => type.Key,
            type =>
            {
                var all = _durations.SelectMany(step => type.SelectMany(operation => new ArraySegment<double>(step, operation * _replicas, _replicas))).ToList();
                return OperationTypes.IsWork(type.Key) ? all.Average() : Robust.Median(all);
            },
            StringComparer.Ordinal);
        return [.. Keys.Select(key => byType[key.Type])];
    }
}
