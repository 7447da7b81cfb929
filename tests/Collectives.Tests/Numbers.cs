namespace TrainMover.Collectives.Tests;

/// <summary>Inputs that differ by rank and position, and what a reduction over them gives in the ring's order.</summary>
internal static class Numbers
{
    public static float[] Of(int rank, int count, int seed = 0) => [.. Enumerable.Range(0, count).Select(index => MathF.Sin((seed * 7919) + (rank * 104729) + index) * 1000f)];

    /// <summary>Chunk c is summed beginning with rank c, around the ring.</summary>
    public static float[] RingSum(float[][] inputs)
    {
        var (size, count) = (inputs.Length, inputs[0].Length);
        var sums = new float[count];
        for (var chunk = 0; chunk < size; chunk++)
        {
            for (var index = (long)count * chunk / size; index < (long)count * (chunk + 1) / size; index++)
            {
                var sum = inputs[chunk][index];
                for (var step = 1; step < size; step++)
                    sum += inputs[(chunk + step) % size][index];
                sums[index] = sum;
            }
        }

        return sums;
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
