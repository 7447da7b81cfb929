namespace TrainMover.Training;

/// <summary>
/// This rank's share of the squared global norm, always folded in the same way: by the parts that data-parallel ranks own when the optimizer is sharded, sharded or not, so that both
/// come to the same bits. Of parameters that several ranks of one model hold, one counts them.
/// </summary>
internal sealed class NormPartition
{
    private readonly FlatPart[][] _byRank;

    public NormPartition(ParameterLayout layout, IReadOnlyList<GradientBucket> buckets, int ranks)
    {
        var counted = CountedRuns(layout).ToArray();
        _byRank =
        [
            .. Enumerable.Range(0, ranks).Select(rank => buckets
                .Select(bucket => bucket.PartOf(rank, ranks))
                .SelectMany(part => counted.Select(run => run.Intersect(part)))
                .Where(part => part.Length > 0)
                .ToArray()),
        ];
    }

    public int Ranks => _byRank.Length;

    /// <summary>Over the parts of all ranks.</summary>
    public double SquaredNorm(ReadOnlySpan<float> gradients)
    {
        var sum = 0.0;
        for (var rank = 0; rank < _byRank.Length; rank++)
            sum += SquaredNorm(gradients, rank);
        return sum;
    }

    /// <summary>Over the parts of one rank.</summary>
    public double SquaredNorm(ReadOnlySpan<float> gradients, int rank)
    {
        var sum = 0.0;
        foreach (var part in _byRank[rank])
            sum += AdamW.SquaredNorm(gradients.Slice(part.Start, part.Length));
        return sum;
    }

    private static IEnumerable<FlatPart> CountedRuns(ParameterLayout layout)
    {
        var start = -1;
        foreach (var slot in layout.Slots)
        {
            if (slot.Counted && start < 0)
                start = slot.Offset;
            if (slot.Counted || start < 0)
                continue;
            yield return new FlatPart(start, slot.Offset - start);
            start = -1;
        }

        if (start >= 0)
            yield return new FlatPart(start, layout.FlatLength - start);
    }
}
