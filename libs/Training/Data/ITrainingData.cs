using TorchSharp;

namespace TrainMover.Training;

/// <summary>What a model is trained on. Which sequences a rank sees is a pure function of seed, step and sequence number, so any machine in a role sees the same data.</summary>
public interface ITrainingData
{
    /// <summary>Some of the sequences of a step. Sequences are numbered through over all data-parallel ranks, so the layout does not matter.</summary>
    /// <param name="seed">Seed of the job.</param>
    /// <param name="step">Step, from 0.</param>
    /// <param name="firstSequence">First sequence, from 0.</param>
    /// <param name="count">Number of sequences.</param>
    /// <param name="context">Length of a sequence.</param>
    TrainingBatch Batch(ulong seed, long step, long firstSequence, int count, int context);
}

/// <summary>Inputs and targets of some sequences; the caller disposes it (or its dispose scope does).</summary>
/// <param name="Inputs">Int64 tensor [batch, context].</param>
/// <param name="Targets">Int64 tensor [batch, context]: for text the inputs moved on by one byte.</param>
public readonly record struct TrainingBatch(torch.Tensor Inputs, torch.Tensor Targets) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
    }
}
