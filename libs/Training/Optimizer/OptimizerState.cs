using TorchSharp;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// Moments of AdamW for a part of the flat parameters: all of them, or the parts of one data-parallel rank when the optimizer is sharded. The parts lie one behind the other in the
/// order of the flat buffer.
/// </summary>
internal sealed class OptimizerState : IDisposable
{
    private readonly Segment[] _segments;
    private readonly (FlatPart Part, int Moments)[] _parts;

    private readonly record struct Segment(int Start, int Moments, int Length, bool Decayed);

    public OptimizerState(ParameterLayout layout, IEnumerable<FlatPart> parts, ReplicaMemory memory, MemoryOwner owner, Device device)
    {
        var segments = new List<Segment>();
        var placed = new List<(FlatPart, int)>();
        var length = 0;
        foreach (var part in parts.OrderBy(part => part.Start))
        {
            foreach (var (run, decayed) in DecayRuns(layout))
            {
                var common = run.Intersect(part);
                if (common.Length > 0)
                    segments.Add(new Segment(common.Start, length + common.Start - part.Start, common.Length, decayed));
            }

            placed.Add((part, length));
            length += part.Length;
        }

        _parts = [.. placed];
        _segments = [.. segments];
        First = memory.Take(owner, 0, length, device);
        Second = memory.Take(owner, 1, length, device);
    }

    public Tensor First { get; }

    public Tensor Second { get; }

    /// <summary>The parameters that it updates, in the order of the flat buffer.</summary>
    public IEnumerable<FlatPart> Parts => _parts.Select(placed => placed.Part);

    /// <summary>Runs of the moments that belong to a run of the parameters; empty where there are none.</summary>
    public IEnumerable<FlatPart> MomentsOf(FlatPart parameters)
    {
        foreach (var (part, moments) in _parts)
        {
            var common = part.Intersect(parameters);
            if (common.Length > 0)
                yield return new FlatPart(moments + common.Start - part.Start, common.Length);
        }
    }

    /// <summary>Updates the moments and the parameters that they belong to.</summary>
    /// <param name="step">Scalars of the step.</param>
    /// <param name="parameters">Flat parameters.</param>
    /// <param name="gradients">Flat gradients, summed.</param>
    /// <param name="from">First element that is updated; what lies before stays as it is.</param>
    public void Update(in AdamWStep step, Span<float> parameters, ReadOnlySpan<float> gradients, int from = 0)
    {
        var first = Replica.Data(First);
        var second = Replica.Data(Second);
        foreach (var (start, moments, length, decayed) in _segments)
        {
            var skipped = Math.Clamp(from - start, 0, length);
            var (at, its, count) = (start + skipped, moments + skipped, length - skipped);
            AdamW.Update(step, decayed, parameters.Slice(at, count), gradients.Slice(at, count), first.Slice(its, count), second.Slice(its, count));
        }
    }

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
    }

    // A slot reaches to the beginning of the next one: the gap between them holds zeros, which any update leaves.
    private static IEnumerable<(FlatPart Run, bool Decayed)> DecayRuns(ParameterLayout layout)
    {
        var start = 0;
        for (var index = 1; index <= layout.Slots.Count; index++)
        {
            var decayed = layout.Slots[index - 1].Spec.Decayed;
            if (index < layout.Slots.Count && layout.Slots[index].Spec.Decayed == decayed)
                continue;
            var end = index < layout.Slots.Count ? layout.Slots[index].Offset : layout.FlatLength;
            yield return (new FlatPart(start, end - start), decayed);
            start = end;
        }
    }
}
