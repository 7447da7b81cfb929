namespace TrainMover.Training;

/// <summary>A run of the flat gradients that is reduced at once.</summary>
/// <param name="Start">First element.</param>
/// <param name="Length">Number of elements.</param>
/// <param name="Shared">What the first and the last stage both hold: summed over the two as well.</param>
internal readonly record struct GradientBucket(int Start, int Length, bool Shared)
{
    /// <summary>Element after the last.</summary>
    public int End => Start + Length;

    /// <summary>The elements of the flat buffer that one data-parallel rank reduces when the optimizer is sharded.</summary>
    public FlatPart PartOf(int rank, int size)
    {
        var first = (int)((long)Length * rank / size);
        return new FlatPart(Start + first, (int)((long)Length * (rank + 1) / size) - first);
    }
}

/// <summary>A run of a flat buffer.</summary>
internal readonly record struct FlatPart(int Start, int Length)
{
    public int End => Start + Length;

    public FlatPart Intersect(FlatPart other)
    {
        var start = Math.Max(Start, other.Start);
        return new FlatPart(start, Math.Max(0, Math.Min(End, other.End) - start));
    }
}

/// <summary>
/// Cuts the flat gradients into buckets, in the order in which backward finishes them: from the end to the beginning, what two stages share last. Usual buckets are quarters, the last of which is halved again
/// and again: what is under way when the step's commit passes, to whoever follows, is the last bucket, and the switch waits for it.
/// </summary>
internal static class GradientBuckets
{
    private const int Alignment = 16;
    private const int UsualCount = 4;
    private const int LeastLength = 256 * 1024;

    /// <param name="layout">What is cut.</param>
    /// <param name="bytes">Size of a bucket; 0 for usual ones.</param>
    public static GradientBucket[] Of(ParameterLayout layout, long bytes)
    {
        var own = layout.FlatLength - layout.SharedLength;
        var length = Aligned(bytes > 0 ? bytes / sizeof(float) : (own + UsualCount - 1) / UsualCount);
        var buckets = new List<GradientBucket>();
        for (var end = layout.FlatLength; end > layout.SharedLength;)
        {
            var left = end - layout.SharedLength;
            var isLast = bytes == 0 && left <= length && left >= 2 * LeastLength;
            var start = end - (int)Math.Min(left, isLast ? Aligned(left / 2) : length);
            buckets.Add(new GradientBucket(start, end - start, Shared: false));
            end = start;
        }

        if (layout.SharedLength > 0)
            buckets.Add(new GradientBucket(0, layout.SharedLength, Shared: true));
        return [.. buckets];
    }

    private static long Aligned(long elements) => Math.Max(1, (elements + Alignment - 1) / Alignment) * Alignment;
}
