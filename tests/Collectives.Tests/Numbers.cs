namespace TrainMover.Collectives.Tests;

/// <summary>Inputs that differ by rank and position, and what a reduction over them gives in the ring's order.</summary>
internal static class Numbers
{
    public static float[] Of(int rank, int count, int seed = 0) => [.. Enumerable.Range(0, count).Select(index => MathF.Sin((seed * 7919) + (rank * 104729) + index) * 1000f)];

    /// <summary>
    /// The serial fold: chunk c is summed beginning with rank c, around the ring; each channel has its share of every chunk, and odd channels go around the other way. Few bytes take one channel.
    /// </summary>
    public static float[] RingSum(float[][] inputs, int channels = 1, Func<float, float>? sent = null)
    {
        var (size, count) = (inputs.Length, inputs[0].Length);
        var sums = new float[count];
        if (count * sizeof(float) < channels * 128 * 1024)
            channels = 1;
        for (var chunk = 0; chunk < size; chunk++)
        {
            var (first, past) = ((int)((long)count * chunk / size), (int)((long)count * (chunk + 1) / size));
            for (var channel = 0; channel < channels; channel++)
            {
                var step = channel % 2 == 0 ? 1 : size - 1;
                for (var index = first + ((past - first) * channel / channels); index < first + ((past - first) * (channel + 1) / channels); index++)
                {
                    var sum = inputs[chunk][index];
                    for (var hop = 1; hop < size; hop++)
                        sum = inputs[(chunk + (hop * step)) % size][index] + (sent?.Invoke(sum) ?? sum);
                    sums[index] = sum;
                }
            }
        }

        return sums;
    }

    /// <summary>The serial fold of a call of few bytes over trees: a rank's own, its first child's, its second child's; from 16 KB on the second half goes over the second tree.</summary>
    public static float[] TreeSum(float[][] inputs)
    {
        var (size, count) = (inputs.Length, inputs[0].Length);
        var half = count * sizeof(float) < 16 * 1024 ? count : count / 2;
        var roots = Enumerable.Range(0, TreeShape.Trees).Select(tree => Enumerable.Range(0, size).Single(rank => TreeShape.ParentOf(rank, size, tree) < 0)).ToArray();
        return [.. Enumerable.Range(0, count).Select(index => Fold(roots[index < half ? 0 : 1], index < half ? 0 : 1, index))];

        float Fold(int rank, int tree, int index)
        {
            var (first, second) = TreeShape.ChildrenOf(rank, size, tree);
            var sum = inputs[rank][index];
            if (first >= 0)
                sum += Fold(first, tree, index);
            return second >= 0 ? sum + Fold(second, tree, index) : sum;
        }
    }

    public static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];

    /// <summary>A float32 sum on every rank, checked against the ring's order.</summary>
    public static async Task ShouldSumAsync(this Cluster cluster, int count = 1001, int seed = 0)
    {
        var inputs = Enumerable.Range(0, cluster.Groups.Length).Select(rank => Of(rank, count, seed)).ToArray();
        var expected = Bits(RingSum(inputs));
        var results = await cluster.OnAllAsync(group =>
        {
            var buffer = Of(group.Rank, count, seed);
            group.AllReduce(buffer, ReduceOperation.Sum);
            return Bits(buffer);
        });
        foreach (var result in results)
            result.ShouldBe(expected);
    }
}
