using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TrainMover.Training;

/// <summary>AdamW in place over flat buffers, one pass, without allocation. Each operation is rounded as IEEE 754 says and sums have a fixed order, so the bits do not depend on vector width.</summary>
internal static class AdamW
{
    /// <summary>Sum of squares in double precision over eight interleaved lanes that are then added from first to last.</summary>
    public static double SquaredNorm(ReadOnlySpan<float> values)
    {
        var low = Vector256<double>.Zero;
        var high = Vector256<double>.Zero;
        var eights = MemoryMarshal.Cast<float, Vector256<float>>(values);
        foreach (var eight in eights)
        {
            var (first, second) = Vector256.Widen(eight);
            low += first * first;
            high += second * second;
        }

        var sum = 0.0;
        for (var lane = 0; lane < 4; lane++)
            sum += low[lane];
        for (var lane = 0; lane < 4; lane++)
            sum += high[lane];
        foreach (var rest in values[(eights.Length * Vector256<float>.Count)..])
            sum += (double)rest * rest;
        return sum;
    }

    /// <summary>One update from summed gradients: <paramref name="scale"/> averages and clips them, the leading <paramref name="decayed"/> elements are decayed.</summary>
    public static void Update(
        TrainingRecipe recipe, long step, float scale, int decayed,
        Span<float> parameters, ReadOnlySpan<float> gradients, Span<float> first, Span<float> second)
    {
        var rate = recipe.LearningRateAt(step);
        var correction1 = (float)(1.0 / (1.0 - Math.Pow(recipe.Beta1, step + 1)));
        var correction2 = (float)(1.0 / (1.0 - Math.Pow(recipe.Beta2, step + 1)));
        Update(recipe, rate, rate * recipe.WeightDecay, scale, correction1, correction2,
            parameters[..decayed], gradients[..decayed], first[..decayed], second[..decayed]);
        Update(recipe, rate, 0f, scale, correction1, correction2,
            parameters[decayed..], gradients[decayed..], first[decayed..], second[decayed..]);
    }

    private static void Update(
        TrainingRecipe recipe, float rate, float decay, float scale, float correction1, float correction2,
        Span<float> parameters, ReadOnlySpan<float> gradients, Span<float> first, Span<float> second)
    {
        // Flat buffers are padded to multiples of 16 elements and hold no remainder for any vector width up to 512 bits.
        var p = MemoryMarshal.Cast<float, Vector<float>>(parameters);
        var g = MemoryMarshal.Cast<float, Vector<float>>(gradients);
        var m = MemoryMarshal.Cast<float, Vector<float>>(first);
        var v = MemoryMarshal.Cast<float, Vector<float>>(second);
        var epsilon = new Vector<float>(recipe.Epsilon);
        for (var i = 0; i < p.Length; i++)
        {
            var gradient = g[i] * scale;
            m[i] = m[i] * recipe.Beta1 + gradient * (1f - recipe.Beta1);
            v[i] = v[i] * recipe.Beta2 + gradient * gradient * (1f - recipe.Beta2);
            var direction = m[i] * correction1 / (Vector.SquareRoot(v[i] * correction2) + epsilon);
            p[i] = p[i] - p[i] * decay - direction * rate;
        }
    }
}
