using System.Numerics;
using System.Runtime.CompilerServices;

namespace TrainMover.Collectives;

/// <summary>Float32 to the upper half of its bits and back.</summary>
internal static unsafe class BFloat16
{
    private const uint Infinity = 0x7F80_0000;
    private const uint Magnitude = 0x7FFF_FFFF;
    private const uint Quiet = 0x40;

    /// <summary>Rounds to nearest, ties to even; a NaN stays one.</summary>
    /// <param name="from">Elements.</param>
    /// <param name="into">Takes the rounded ones.</param>
    /// <param name="count">How many.</param>
    /// <param name="roundSource">Whether the elements become what the receiver will see.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow(float* from, ushort* into, long count, bool roundSource)
    {
        var source = (uint*)from;
        long index = 0;
        for (; index <= count - (2 * Vector<uint>.Count); index += 2 * Vector<uint>.Count)
        {
            var low = Round(Vector.Load(source + index));
            var high = Round(Vector.Load(source + index + Vector<uint>.Count));
            Vector.Store(Vector.Narrow(low, high), into + index);
            if (roundSource)
            {
                Vector.Store(low << 16, source + index);
                Vector.Store(high << 16, source + index + Vector<uint>.Count);
            }
        }

        for (; index < count; index++)
        {
            into[index] = Round(source[index]);
            if (roundSource)
                source[index] = (uint)into[index] << 16;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(ushort* from, float* into, long count)
    {
        var target = (uint*)into;
        long index = 0;
        for (; index <= count - Vector<ushort>.Count; index += Vector<ushort>.Count)
        {
            Vector.Widen(Vector.Load(from + index), out var low, out var high);
            Vector.Store(low << 16, target + index);
            Vector.Store(high << 16, target + index + Vector<uint>.Count);
        }

        for (; index < count; index++)
            target[index] = (uint)from[index] << 16;
    }

    private static Vector<uint> Round(Vector<uint> bits)
    {
        var upper = bits >> 16;
        var rounded = (bits + new Vector<uint>(0x7FFF) + (upper & Vector<uint>.One)) >> 16;
        var isNaN = Vector.GreaterThan(bits & new Vector<uint>(Magnitude), new Vector<uint>(Infinity));
        return Vector.ConditionalSelect(isNaN, upper | new Vector<uint>(Quiet), rounded);
    }

    private static ushort Round(uint bits)
    {
        var upper = bits >> 16;
        return (ushort)((bits & Magnitude) > Infinity ? upper | Quiet : (bits + 0x7FFF + (upper & 1)) >> 16);
    }
}
