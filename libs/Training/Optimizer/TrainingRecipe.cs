namespace TrainMover.Training;

/// <summary>How a model is trained: seed, length, data and AdamW (Loshchilov and Hutter) with linear warm-up and clipping of the global norm.</summary>
/// <param name="Seed">Seed of initial parameters, data order and dropout masks.</param>
/// <param name="Steps">Optimizer steps, at least 1.</param>
/// <param name="BatchPerRank">Sequences per data-parallel rank and step, at least 1.</param>
/// <param name="LearningRate">Peak learning rate, above 0.</param>
/// <param name="Beta1">Decay of the first moment, in [0, 1).</param>
/// <param name="Beta2">Decay of the second moment, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second moment, above 0.</param>
/// <param name="WeightDecay">Decoupled decay of the matrices (not of biases and gains), at least 0.</param>
/// <param name="WarmupSteps">Steps over which the learning rate rises from LearningRate / WarmupSteps to its peak; 0 for none.</param>
/// <param name="ClipNorm">Largest global norm of the averaged gradient, above 0; infinity for no clipping.</param>
public sealed record TrainingRecipe(
    ulong Seed,
    int Steps,
    int BatchPerRank = 12,
    float LearningRate = 3e-4f,
    float Beta1 = 0.9f,
    float Beta2 = 0.95f,
    float Epsilon = 1e-8f,
    float WeightDecay = 0.1f,
    int WarmupSteps = 10,
    float ClipNorm = 1.0f)
{
    /// <summary>Parts that a rank's batch is computed in, one after the other: what a pipeline keeps its stages busy with. Divides <see cref="BatchPerRank"/>; 1 by default.</summary>
    public int MicroBatches { get; init; } = 1;

    /// <summary>ZeRO-1: each data-parallel rank keeps the moments of its part of the parameters only, and a second copy of those of the rank before it.</summary>
    public bool ShardOptimizer { get; init; }

    /// <summary>Bytes of gradients that are reduced at once; 0 (the default) for quarters of them, of which the last is cut smaller and smaller: it is what a switch may have to wait for.</summary>
    public long BucketBytes { get; init; }

    /// <summary>
    /// Reduce gradients while backward goes on, on a thread of its own, or after it (the default). The bits are the same; overlap is worth it where a rank has a core to spare.
    /// </summary>
    public bool OverlapReduction { get; init; }

    /// <summary>Checks every value against its range.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    public void Validate()
    {
        Require(nameof(Steps), Steps >= 1, $"steps must be at least 1, not {Steps}");
        Require(nameof(BatchPerRank), BatchPerRank >= 1, $"the batch per rank must be at least 1, not {BatchPerRank}");
        Require(nameof(LearningRate), LearningRate > 0f && float.IsFinite(LearningRate), $"the learning rate must be above 0, not {LearningRate}");
        Require(nameof(Beta1), Beta1 is >= 0f and < 1f && Beta2 is >= 0f and < 1f, $"betas must be in [0, 1), not {Beta1} and {Beta2}");
        Require(nameof(Epsilon), Epsilon > 0f, $"epsilon must be above 0, not {Epsilon}");
        Require(nameof(WeightDecay), WeightDecay >= 0f, $"weight decay must be at least 0, not {WeightDecay}");
        Require(nameof(WarmupSteps), WarmupSteps >= 0, $"warm-up steps must be at least 0, not {WarmupSteps}");
        Require(nameof(ClipNorm), ClipNorm > 0f, $"the norm to clip at must be above 0, not {ClipNorm}");
        Require(nameof(MicroBatches), MicroBatches >= 1 && BatchPerRank % MicroBatches == 0, $"micro-batches must divide the batch of {BatchPerRank} per rank, which {MicroBatches} do not");
        Require(nameof(BucketBytes), BucketBytes >= 0, $"the size of a bucket must be at least 0, not {BucketBytes}");
    }

    /// <summary>Learning rate of a step.</summary>
    /// <param name="step">Step, from 0.</param>
    public float LearningRateAt(long step) => step >= WarmupSteps ? LearningRate : LearningRate * (step + 1) / WarmupSteps;

    private static void Require(string name, bool holds, string rule)
    {
        if (!holds)
            throw new ArgumentException($"Training recipe: {rule}.", name);
    }
}
