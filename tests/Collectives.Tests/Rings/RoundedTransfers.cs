namespace TrainMover.Collectives.Tests.Rings;

public sealed class RoundedTransfers
{
    public static TheoryData<string, int, int> Transports => Transport.All;

    [Theory]
    [InlineData(0x3F80_0000u, 0x3F80_0000u)] // 1
    [InlineData(0x3F80_8000u, 0x3F80_0000u)] // a tie goes to the even neighbour below
    [InlineData(0x3F81_8000u, 0x3F82_0000u)] // a tie goes to the even neighbour above
    [InlineData(0x3F80_8001u, 0x3F81_0000u)]
    [InlineData(0x3F80_7FFFu, 0x3F80_0000u)]
    [InlineData(0xBF81_8000u, 0xBF82_0000u)]
    [InlineData(0x7F7F_FFFFu, 0x7F80_0000u)] // the largest number rounds to infinity
    [InlineData(0xFF80_0000u, 0xFF80_0000u)]
    [InlineData(0x7F80_0001u, 0x7FC0_0000u)] // a NaN stays one, though its low bits are lost
    [InlineData(0xFFFF_FFFFu, 0xFFFF_0000u)]
    [InlineData(0x8000_0000u, 0x8000_0000u)]
    public unsafe void Rounding_is_to_nearest_with_ties_to_even(uint bits, uint rounded)
    {
        // 67 elements: whole vectors and a rest.
        var values = Enumerable.Repeat(BitConverter.UInt32BitsToSingle(bits), 67).ToArray();
        var widened = new float[67];
        var narrow = new ushort[67];
        fixed (float* from = values, into = widened)
        fixed (ushort* between = narrow)
        {
            BFloat16.Narrow(from, between, 67, roundSource: false);
            BFloat16.Widen(between, into, 67);
            values.ShouldAllBe(value => BitConverter.SingleToUInt32Bits(value) == bits);
            widened.ShouldAllBe(value => BitConverter.SingleToUInt32Bits(value) == rounded);
            BFloat16.Narrow(from, between, 67, roundSource: true);
        }

        values.ShouldAllBe(value => BitConverter.SingleToUInt32Bits(value) == rounded);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_rounded_sum_is_the_rounded_serial_fold_with_the_same_bits_on_every_rank(string transport, int ranks, int channels)
    {
        await using var cluster = await Transport.StartAsync(transport, ranks, channels);
        foreach (var count in new[] { 0, 1, 1001, 300_007 })
        {
            var inputs = Enumerable.Range(0, ranks).Select(rank => Numbers.Of(rank, count, count)).ToArray();
            var expected = Numbers.Bits([.. Numbers.RingSum(inputs, channels, Rounded).Select(Rounded)]);
            var results = await cluster.OnEveryRankAsync(group =>
            {
                var buffer = Numbers.Of(group.Rank, count, count);
                group.AllReduce(buffer, ReduceOperation.Sum, WireFormat.BFloat16);
                return Numbers.Bits(buffer);
            });
            foreach (var result in results)
                result.AsSpan().SequenceEqual(expected).ShouldBeTrue($"{count} elements");
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Gathered_parts_are_rounded_at_their_owner_too(string transport, int ranks, int channels)
    {
        const int Count = 200_003;
        await using var cluster = await Transport.StartAsync(transport, ranks, channels);
        var expected = Numbers.Of(0, Count).Select(Rounded).ToArray();
        var results = await cluster.OnEveryRankAsync(group =>
        {
            var buffer = new float[Count];
            var part = group.PartOf(Count, group.Rank);
            Numbers.Of(0, Count).AsSpan(part).CopyTo(buffer.AsSpan(part));
            group.AllGather(buffer, WireFormat.BFloat16);
            return buffer;
        });
        foreach (var result in results)
            result.AsSpan().SequenceEqual(expected).ShouldBeTrue();
    }

    // Written apart from the code under test, by way of double.
    private static float Rounded(float value)
    {
        var below = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF_0000);
        var above = BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(value) & 0xFFFF_0000) + 0x1_0000);
        var (toBelow, toAbove) = (Math.Abs((double)value - below), Math.Abs((double)above - value));
        var belowIsEven = (BitConverter.SingleToUInt32Bits(below) & 0x1_0000) == 0;
        return toBelow < toAbove || (toBelow == toAbove && belowIsEven) ? below : above;
    }
}
