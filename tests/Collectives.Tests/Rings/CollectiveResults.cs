namespace TrainMover.Collectives.Tests.Rings;

public sealed class CollectiveResults
{
    public static TheoryData<int, int> SizesAndCounts()
    {
        var data = new TheoryData<int, int>();
        foreach (var size in new[] { 1, 2, 3, 4, 5 })
            foreach (var count in new[] { 0, 1, 7, 1001, 300_007 })
                data.Add(size, count);
        return data;
    }

    [Theory]
    [MemberData(nameof(SizesAndCounts))]
    public async Task A_sum_has_the_same_bits_on_every_rank_in_the_order_of_the_ring(int size, int count)
    {
        await using var cluster = await Cluster.StartAsync(size);
        for (var repetition = 0; repetition < 3; repetition++)
            await cluster.ShouldSumAsync(count, repetition);
    }

    [Theory]
    [InlineData(ReduceOperation.Min)]
    [InlineData(ReduceOperation.Max)]
    public async Task Extremes_are_those_of_all_ranks(ReduceOperation operation)
    {
        const int Count = 1003;
        await using var cluster = await Cluster.StartAsync(3);
        var inputs = Enumerable.Range(0, 3).Select(rank => Numbers.Of(rank, Count)).ToArray();
        var expected = Enumerable.Range(0, Count)
            .Select(index => operation == ReduceOperation.Min ? inputs.Min(input => input[index]) : inputs.Max(input => input[index]))
            .ToArray();
        var results = await cluster.OnAllAsync(group =>
        {
            var buffer = Numbers.Of(group.Rank, Count);
            group.AllReduce(buffer, operation);
            return buffer;
        });
        foreach (var result in results)
            result.ShouldBe(expected);
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    [InlineData(4, 100_003)]
    public async Task Gathering_puts_the_bytes_of_all_ranks_in_rank_order(int size, int bytes)
    {
        await using var cluster = await Cluster.StartAsync(size);
        var expected = Enumerable.Range(0, size).SelectMany(rank => Block(rank, bytes)).ToArray();
        var results = await cluster.OnAllAsync(group =>
        {
            var all = new byte[bytes * group.Size];
            group.AllGather(Block(group.Rank, bytes), all);
            return all;
        });
        foreach (var result in results)
            result.AsSpan().SequenceEqual(expected).ShouldBeTrue();
    }

    [Fact]
    public async Task A_broadcast_gives_every_rank_the_roots_bytes_from_any_root()
    {
        await using var cluster = await Cluster.StartAsync(4);
        for (var root = 0; root < 4; root++)
        {
            foreach (var bytes in new[] { 0, 1, 500_001 })
            {
                var from = root;
                var results = await cluster.OnAllAsync(group =>
                {
                    var buffer = Block(group.Rank, bytes);
                    group.Broadcast(buffer, from);
                    return buffer;
                });
                foreach (var result in results)
                    result.AsSpan().SequenceEqual(Block(root, bytes)).ShouldBeTrue();
            }
        }
    }

    [Fact]
    public async Task Nobody_passes_a_barrier_before_the_last_has_come()
    {
        const int Size = 4;
        const int Rounds = 200;
        await using var cluster = await Cluster.StartAsync(Size);
        var come = 0;
        var early = await cluster.OnAllAsync(group =>
        {
            var tooEarly = 0;
            for (var round = 1; round <= Rounds; round++)
            {
                // A different rank is the last in each round.
                for (var turn = 0; turn < (group.Rank + round) % Size * 50; turn++)
                    Thread.Yield();
                Interlocked.Increment(ref come);
                group.Barrier();
                tooEarly += Volatile.Read(ref come) < round * Size ? 1 : 0;
            }

            return tooEarly;
        });
        early.ShouldBe([0, 0, 0, 0]);
    }

    [Fact]
    public async Task Ranks_that_disagree_about_a_call_meet_an_error_and_not_wrong_numbers()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var failures = await cluster.OnAllAsync(group => Should.Throw<CollectiveException>(() =>
        {
            group.AllReduce(new float[group.Rank == 0 ? 10 : 12], ReduceOperation.Sum);
            group.Barrier();
        }).Failure);
        failures.ShouldContain(failure => failure.Kind == FailureKind.ProtocolViolation);
        failures.ShouldAllBe(failure => failure.Kind == FailureKind.ProtocolViolation || failure.Kind == FailureKind.ReportedByPeer);
    }

    [Fact]
    public async Task Lengths_that_do_not_fit_are_refused_before_anything_is_sent()
    {
        await using var cluster = await Cluster.StartAsync(2);
        Should.Throw<ArgumentException>(() => cluster.Groups[0].DataParallel.AllGather(new byte[3], new byte[5]));
        Should.Throw<ArgumentOutOfRangeException>(() => cluster.Groups[0].DataParallel.Broadcast(new byte[3], 2));
        await cluster.ShouldSumAsync();
    }

    private static byte[] Block(int rank, int bytes) => [.. Enumerable.Range(0, bytes).Select(index => (byte)((rank * 31) + index))];
}
