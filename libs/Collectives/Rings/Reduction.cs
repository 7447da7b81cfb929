using System.Numerics;
using System.Runtime.CompilerServices;

namespace TrainMover.Collectives;

/// <summary>Combines what arrived into the buffer, element by element.</summary>
internal static unsafe class Reduction
{
    /// <param name="kind">The call, which says how elements combine.</param>
    /// <param name="into">Takes the result.</param>
    /// <param name="arrived">The other operand.</param>
    /// <param name="count">Elements.</param>
    /// <param name="arrivedFirst">Whether it is the left operand: of two NaNs the left one's bits stay.</param>
    public static void Apply(RingFrameKind kind, float* into, float* arrived, long count, bool arrivedFirst = false)
    {
        var (left, right) = arrivedFirst ? ((nint)arrived, (nint)into) : ((nint)into, (nint)arrived);
        switch (kind)
        {
            case RingFrameKind.AllReduceSum or RingFrameKind.ReduceScatter:
                Combine<Sum>(into, (float*)left, (float*)right, count);
                break;
            case RingFrameKind.AllReduceMin:
                Combine<Min>(into, (float*)left, (float*)right, count);
                break;
            default:
                Combine<Max>(into, (float*)left, (float*)right, count);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine<TCombination>(float* into, float* left, float* right, long count)
        where TCombination : struct, ICombination
    {
        long index = 0;
        for (; index <= count - (4 * Vector<float>.Count); index += 4 * Vector<float>.Count)
        {
            var first = TCombination.Of(Vector.Load(left + index), Vector.Load(right + index));
            var second = TCombination.Of(Vector.Load(left + index + Vector<float>.Count), Vector.Load(right + index + Vector<float>.Count));
            var third = TCombination.Of(Vector.Load(left + index + (2 * Vector<float>.Count)), Vector.Load(right + index + (2 * Vector<float>.Count)));
            var fourth = TCombination.Of(Vector.Load(left + index + (3 * Vector<float>.Count)), Vector.Load(right + index + (3 * Vector<float>.Count)));
            Vector.Store(first, into + index);
            Vector.Store(second, into + index + Vector<float>.Count);
            Vector.Store(third, into + index + (2 * Vector<float>.Count));
            Vector.Store(fourth, into + index + (3 * Vector<float>.Count));
        }

        for (; index <= count - Vector<float>.Count; index += Vector<float>.Count)
            Vector.Store(TCombination.Of(Vector.Load(left + index), Vector.Load(right + index)), into + index);
        for (; index < count; index++)
            into[index] = TCombination.Of(left[index], right[index]);
    }

    private interface ICombination
    {
        static abstract Vector<float> Of(Vector<float> left, Vector<float> right);

        static abstract float Of(float left, float right);
    }

    private readonly struct Sum : ICombination
    {
        public static Vector<float> Of(Vector<float> left, Vector<float> right) => left + right;

        public static float Of(float left, float right) => left + right;
    }

    private readonly struct Min : ICombination
    {
        public static Vector<float> Of(Vector<float> left, Vector<float> right) => Vector.Min(left, right);

        public static float Of(float left, float right) => MathF.Min(left, right);
    }

    private readonly struct Max : ICombination
    {
        public static Vector<float> Of(Vector<float> left, Vector<float> right) => Vector.Max(left, right);

        public static float Of(float left, float right) => MathF.Max(left, right);
    }
}
