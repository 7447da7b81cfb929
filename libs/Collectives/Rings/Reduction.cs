using System.Numerics;
using System.Runtime.CompilerServices;

namespace TrainMover.Collectives;

/// <summary>Combines what arrived into the buffer, element by element.</summary>
internal static unsafe class Reduction
{
    public static void Apply(RingFrameKind kind, float* into, float* arrived, long count)
    {
        switch (kind)
        {
            case RingFrameKind.AllReduceSum or RingFrameKind.ReduceScatter:
                Combine<Sum>(into, arrived, count);
                break;
            case RingFrameKind.AllReduceMin:
                Combine<Min>(into, arrived, count);
                break;
            default:
                Combine<Max>(into, arrived, count);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine<TCombination>(float* into, float* arrived, long count)
        where TCombination : struct, ICombination
    {
        long index = 0;
        for (; index <= count - Vector<float>.Count; index += Vector<float>.Count)
            Vector.Store(TCombination.Of(Vector.Load(into + index), Vector.Load(arrived + index)), into + index);
        for (; index < count; index++)
            into[index] = TCombination.Of(into[index], arrived[index]);
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
