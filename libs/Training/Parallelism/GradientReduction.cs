using System.Runtime.InteropServices;
using TorchSharp;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>
/// Reduces the gradients of a step over the data-parallel group, bucket by bucket in a fixed order, while backward goes on or after it: the calls and the bits are the same. What
/// the first and the last stage share is then summed over the two. With a sharded optimizer each rank ends with its part, and with its predecessor's for the backup.
/// </summary>
internal sealed class GradientReduction : IDisposable
{
    private readonly ParameterLayout _layout;
    private readonly torch.Tensor _gradients;
    private readonly bool _sharded;
    private readonly bool _overlapped;
    private readonly int[] _finalFrom;
    private readonly Func<int, bool> _release;
    private readonly Action<GradientBucket> _reduced;
    private ReductionThread? _thread;

    public GradientReduction(ParameterLayout layout, TrainingRecipe recipe, torch.Tensor gradients, Action<GradientBucket> reduced)
    {
        _reduced = reduced;
        (_layout, _gradients) = (layout, gradients);
        (_sharded, _overlapped) = (recipe.ShardOptimizer, recipe.OverlapReduction);
        Buckets = GradientBuckets.Of(layout, recipe.BucketBytes);
        _finalFrom = [.. Enumerable.Range(0, layout.Stage.Total + 1).Select(layer => FinalBuckets(layout.StartOf(layer)))];
        _release = layer =>
        {
            _thread!.Release(_finalFrom[layer]);
            return _finalFrom[layer] > 0;
        };
    }

    /// <summary>In the order of their reduction.</summary>
    public GradientBucket[] Buckets { get; }

    /// <summary>Runs the passes of a step and returns when everything is reduced.</summary>
    /// <param name="groups">The rank's groups.</param>
    /// <param name="passes">Runs them; it is given whom to tell when gradients are final, who says whether any are reduced from then on, or null.</param>
    public void Run(IRankGroups groups, Action<Func<int, bool>?> passes)
    {
        if (!_overlapped || Buckets.Length == 1 || groups.DataParallel.Size == 1)
        {
            passes(null);
            for (var bucket = 0; bucket < Buckets.Length; bucket++)
                Reduce(groups, bucket);
            return;
        }

        _thread ??= new ReductionThread(Buckets.Length, Reduce);
        _thread.Begin(groups);
        try
        {
            passes(_release);
            _thread.Release(Buckets.Length);
            _thread.Complete();
        }
        catch
        {
            _thread.Abandon();
            throw;
        }
    }

    public void Dispose() => _thread?.Dispose();

    private int FinalBuckets(int start) => Buckets.Count(bucket => !bucket.Shared && bucket.Start >= start);

    private void Reduce(IRankGroups groups, int index)
    {
        Reduce(groups, Buckets[index]);
        _reduced(Buckets[index]);
    }

    private void Reduce(IRankGroups groups, GradientBucket bucket)
    {
        var gradients = MemoryMarshal.Cast<byte, float>(_gradients.bytes);
        var carriesLoss = bucket.End == _layout.FlatLength;
        var replicas = groups.DataParallel;
        if (!_sharded)
        {
            if (replicas.Size > 1)
                replicas.AllReduce(gradients.Slice(bucket.Start, carriesLoss ? bucket.Length + 1 : bucket.Length), ReduceOperation.Sum);
            if (bucket.Shared)
                groups.Embedding!.AllReduce(gradients.Slice(bucket.Start, bucket.Length), ReduceOperation.Sum);
            return;
        }

        if (replicas.Size > 1)
        {
            if (carriesLoss)
                replicas.AllReduce(gradients[^1..], ReduceOperation.Sum);
            replicas.ReduceScatter(gradients.Slice(bucket.Start, bucket.Length));
        }

        var own = Slice(gradients, bucket.PartOf(replicas.Rank, replicas.Size));
        if (bucket.Shared)
            groups.Embedding!.AllReduce(own, ReduceOperation.Sum);
        if (replicas.Size > 1)
        {
            // A reduce-scatter leaves nothing of use in the other parts, so the predecessor's has its place there.
            var predecessor = bucket.PartOf((replicas.Rank + replicas.Size - 1) % replicas.Size, replicas.Size);
            replicas.Shift(MemoryMarshal.AsBytes(own), MemoryMarshal.AsBytes(Slice(gradients, predecessor)));
        }
    }

    private static Span<float> Slice(Span<float> flat, FlatPart part) => flat.Slice(part.Start, part.Length);
}
