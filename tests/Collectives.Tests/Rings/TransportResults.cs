using System.Runtime.InteropServices;

namespace TrainMover.Collectives.Tests.Rings;

public sealed class TransportResults
{
    public static TheoryData<string, int, int> Transports => Transport.All;

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_sum_is_the_serial_fold_on_every_transport(string transport, int ranks, int channels)
    {
        await using var cluster = await Transport.StartAsync(transport, ranks, channels);
        foreach (var count in new[] { 0, 1, 5, 1001, 4096, 4097, 16_384, 300_007 })
        {
            var inputs = Enumerable.Range(0, ranks).Select(rank => Numbers.Of(rank, count, count)).ToArray();
            var expected = Numbers.Bits(Transport.HasTrees(transport) && ranks > 2 && count <= 16384 ? Numbers.TreeSum(inputs) : Numbers.RingSum(inputs, channels));
            var results = await cluster.OnEveryRankAsync(group =>
            {
                var buffer = Numbers.Of(group.Rank, count, count);
                group.AllReduce(buffer, ReduceOperation.Sum);
                return Numbers.Bits(buffer);
            });
            foreach (var result in results)
                result.AsSpan().SequenceEqual(expected).ShouldBeTrue($"{count} elements");
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Registered_memory_may_change_as_soon_as_a_call_is_over(string transport, int ranks, int channels)
    {
        const int Count = 2_500_007;
        await using var cluster = await Transport.StartAsync(transport, ranks, channels);
        var right = await cluster.OnEveryRankAsync(group =>
        {
            // Begins inside a page. Small whole numbers: their sums are exact in any order.
            using var memory = new Registered((Count + 5) * sizeof(float));
            var buffer = memory.Floats.Slice(5, Count);
            var isRight = true;
            for (var call = 0; call < 3; call++)
            {
                Fill(buffer, group.Rank + call);
                group.AllReduce(buffer, ReduceOperation.Sum);
                isRight &= IsSum(buffer, call);

                Fill(buffer, group.Rank + call);
                group.ReduceScatter(buffer);
                group.AllGather(buffer);
                isRight &= IsSum(buffer, call);

                Fill(buffer, group.Rank + call);
                group.Broadcast(MemoryMarshal.AsBytes(buffer), call % ranks);
                isRight &= Is(buffer, 1, call + (call % ranks));
            }

            return isRight;
        });
        right.ShouldAllBe(isRight => isRight);

        bool IsSum(Span<float> buffer, int call) => Is(buffer, ranks, (ranks * call) + (ranks * (ranks - 1) / 2));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Scattering_sums_and_gathering_parts_gives_the_sums_everywhere(string transport, int ranks, int channels)
    {
        await using var cluster = await Transport.StartAsync(transport, ranks, channels);
        foreach (var count in new[] { 0, 3, 300_007 })
        {
            // Small whole numbers: their sums are exact in any order.
            var results = await cluster.OnEveryRankAsync(group =>
            {
                var buffer = Enumerable.Range(0, count).Select(index => (float)((index % 1000) + group.Rank)).ToArray();
                group.ReduceScatter(buffer);
                var part = group.PartOf(count, group.Rank);
                for (var index = 0; index < count; index++)
                {
                    if (index < part.Start.Value || index >= part.End.Value)
                        buffer[index] = float.NaN;
                }

                group.AllGather(buffer);
                return buffer;
            });
            var expected = Enumerable.Range(0, count).Select(index => (float)((ranks * (index % 1000)) + (ranks * (ranks - 1) / 2))).ToArray();
            foreach (var result in results)
                result.AsSpan().SequenceEqual(expected).ShouldBeTrue($"{count} elements");
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Bytes_are_gathered_and_broadcast_on_every_transport(string transport, int ranks, int channels)
    {
        await using var cluster = await Transport.StartAsync(transport, ranks, channels);
        foreach (var bytes in new[] { 1, 3000, 400_001 })
        {
            var gathered = Enumerable.Range(0, ranks).SelectMany(rank => Block(rank, bytes)).ToArray();
            var right = await cluster.OnEveryRankAsync(group =>
            {
                var all = new byte[bytes * ranks];
                group.AllGather(Block(group.Rank, bytes), all);
                var isRight = all.AsSpan().SequenceEqual(gathered);
                for (var root = 0; root < ranks; root++)
                {
                    var buffer = Block(group.Rank, bytes);
                    group.Broadcast(buffer, root);
                    isRight &= buffer.AsSpan().SequenceEqual(Block(root, bytes));
                }

                return isRight;
            });
            right.ShouldAllBe(isRight => isRight);
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_shift_moves_both_ways_at_once_and_either_side_may_be_empty(string transport, int ranks, int channels)
    {
        await using var cluster = await Transport.StartAsync(transport, ranks, channels);
        foreach (var bytes in new[] { 0, 7, 30_000, 3_000_001 })
        {
            var right = await cluster.OnEveryRankAsync(group =>
            {
                // Rank 0 sends nothing, so rank 1 receives nothing; the others differ in length.
                var previous = (group.Rank + ranks - 1) % ranks;
                var leaving = Block(group.Rank, bytes * group.Rank);
                var arriving = new byte[bytes * previous];
                group.Shift(leaving, arriving);
                return arriving.AsSpan().SequenceEqual(Block(previous, bytes * previous)) && leaving.AsSpan().SequenceEqual(Block(group.Rank, bytes * group.Rank));
            });
            right.ShouldAllBe(isRight => isRight);
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task No_call_allocates_on_any_transport(string transport, int ranks, int channels)
    {
        await using var cluster = await Transport.StartAsync(transport, ranks, channels);
        var allocated = await cluster.OnEveryRankAsync(group =>
        {
            using var lent = new Registered(4 * 1024 * 1024);
            var buffer = new float[200_001];
            var mine = new byte[33];
            var all = new byte[33 * ranks];
            var leaving = new byte[70_000];
            var arriving = new byte[70_000];
            Calls();
            Calls();
            // What a call allocates shows in every round; what the runtime creates once on its way, in one of them.
            return Enumerable.Range(0, 3).Min(_ =>
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                for (var repetition = 0; repetition < 10; repetition++)
                    Calls();
                return GC.GetAllocatedBytesForCurrentThread() - before;
            });

            void Calls()
            {
                group.AllReduce(lent.Floats, ReduceOperation.Sum);
                group.AllReduce(buffer, ReduceOperation.Sum);
                group.AllReduce(buffer, ReduceOperation.Sum, WireFormat.BFloat16);
                group.AllReduce(buffer.AsSpan(0, 3), ReduceOperation.Min);
                group.ReduceScatter(buffer);
                group.AllGather(buffer);
                group.AllGather(mine, all);
                group.Broadcast(all, 1);
                group.Shift(leaving, arriving);
                group.Barrier();
            }
        });
        allocated.ShouldBe(new long[ranks]);
    }

    [Theory]
    [InlineData("sockets", 2)]
    [InlineData("memory", 2)]
    [InlineData("memory", 3)]
    public async Task NaN_wins_over_numbers_on_every_rank(string transport, int ranks)
    {
        await using var cluster = await Transport.StartAsync(transport, ranks);
        foreach (var operation in new[] { ReduceOperation.Min, ReduceOperation.Max, ReduceOperation.Sum })
        {
            var results = await cluster.OnEveryRankAsync(group =>
            {
                var buffer = Enumerable.Range(0, 37).Select(index => index % ranks == group.Rank ? float.NaN : index).ToArray();
                group.AllReduce(buffer, operation);
                return Numbers.Bits(buffer);
            });
            results.ShouldAllBe(result => result.SequenceEqual(results[0]));
            results[0].ShouldAllBe(bits => float.IsNaN(BitConverter.Int32BitsToSingle(bits)));
        }
    }

    private static void Fill(Span<float> buffer, int with)
    {
        for (var index = 0; index < buffer.Length; index++)
            buffer[index] = (index % 1000) + with;
    }

    private static bool Is(Span<float> buffer, int times, int plus)
    {
        for (var index = 0; index < buffer.Length; index++)
        {
            if (buffer[index] != (times * (index % 1000)) + plus)
                return false;
        }

        return true;
    }

    private static byte[] Block(int rank, int bytes) => [.. Enumerable.Range(0, bytes).Select(index => (byte)((rank * 31) + index))];
}
