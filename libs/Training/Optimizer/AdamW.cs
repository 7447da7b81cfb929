using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TrainMover.Training;

/// <summary>
/// AdamW in place over flat buffers, one pass, without allocation. Each operation is rounded as IEEE 754 says and sums have a fixed order, so the bits depend neither on vector
/// width nor on how the buffers are cut.
/// </summary>
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

    /// <summary>One update from summed gradients, which the step's scale averages and clips.</summary>
    public static void Update(
        in AdamWStep step, bool decayed, Span<float> parameters, ReadOnlySpan<float> gradients, Span<float> first, Span<float> second)
    {
        var decay = decayed ? step.Decay : 0f;
        var p = MemoryMarshal.Cast<float, Vector<float>>(parameters);
        var g = MemoryMarshal.Cast<float, Vector<float>>(gradients);
        var m = MemoryMarshal.Cast<float, Vector<float>>(first);
        var v = MemoryMarshal.Cast<float, Vector<float>>(second);
        var epsilon = new Vector<float>(step.Epsilon);
        for (var i = 0; i < p.Length; i++)
        {
            var gradient = g[i] * step.Scale;
            m[i] = m[i] * step.Beta1 + gradient * (1f - step.Beta1);
            v[i] = v[i] * step.Beta2 + gradient * gradient * (1f - step.Beta2);
            var direction = m[i] * step.Correction1 / (Vector.SquareRoot(v[i] * step.Correction2) + epsilon);
            p[i] = p[i] - p[i] * decay - direction * step.Rate;
        }

        for (var i = p.Length * Vector<float>.Count; i < parameters.Length; i++)
        {
            var gradient = gradients[i] * step.Scale;
            first[i] = first[i] * step.Beta1 + gradient * (1f - step.Beta1);
            second[i] = second[i] * step.Beta2 + gradient * gradient * (1f - step.Beta2);
            var direction = first[i] * step.Correction1 / (MathF.Sqrt(second[i] * step.Correction2) + step.Epsilon);
            parameters[i] = parameters[i] - parameters[i] * decay - direction * step.Rate;
        }
    }
}

/// <summary>The scalars of one update.</summary>
/// <param name="Scale">What summed gradients are multiplied by: averages and clips.</param>
/// <param name="Rate">Learning rate.</param>
/// <param name="Decay">Learning rate times weight decay.</param>
/// <param name="Correction1">Bias correction of the first moment.</param>
/// <param name="Correction2">Bias correction of the second moment.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
internal readonly record struct AdamWStep(
    float Scale, float Rate, float Decay, float Correction1, float Correction2, float Beta1, float Beta2, float Epsilon)
{
    /// <summary>The scalars of a step whose gradients are a sum over <paramref name="ranks"/> and have the global norm <paramref name="norm"/> once averaged.</summary>
    public static AdamWStep Of(TrainingRecipe recipe, long step, double norm, int ranks)
    {
        var clip = norm > recipe.ClipNorm ? recipe.ClipNorm / norm : 1.0;
        var rate = recipe.LearningRateAt(step);
        return new AdamWStep(
            (float)(clip / ranks),
            rate,
            rate * recipe.WeightDecay,
            (float)(1.0 / (1.0 - Math.Pow(recipe.Beta1, step + 1))),
            (float)(1.0 / (1.0 - Math.Pow(recipe.Beta2, step + 1))),
            recipe.Beta1,
            recipe.Beta2,
            recipe.Epsilon);
    }
}
