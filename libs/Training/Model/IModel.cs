using TorchSharp;
using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>
/// A model that can be trained in any layout: an input side, a row of layers that stages are cut from, an output side that ends in the loss. It
/// says which parameters there are; their memory, gradients, optimizer, checkpoints and migration are not its business.
/// </summary>
public interface IModel
{
    /// <summary>Number of layers, at least 1.</summary>
    int Layers { get; }

    /// <summary>Bytes of text that one sequence has, at least 1.</summary>
    int Context { get; }

    /// <summary>Shape of what one layer hands to the next, without the leading batch dimension.</summary>
    IReadOnlyList<long> ActivationShape { get; }

    /// <summary>All parameters of the whole model.</summary>
    IReadOnlyList<ParameterSpec> Parameters { get; }

    /// <summary>Checks that the model can be divided so; called before anything else is made.</summary>
    /// <param name="layout">Degrees of parallelism.</param>
    /// <exception cref="ArgumentException">It cannot; the message says why.</exception>
    void Validate(ParallelLayout layout);

    /// <summary>Makes the part of one rank, called once for each micro-batch that is in flight at once.</summary>
    /// <param name="scope">What the part is made of; valid as long as the part.</param>
    IModelStage CreateStage(StageScope scope);
}

/// <summary>
/// Forward pass of one rank's part of a model. Deterministic: the same parameters and inputs give the same bits, so randomness comes from <see cref="StageScope.Dropout"/>
/// alone. Tensors that it makes are freed by the caller's dispose scope.
/// </summary>
public interface IModelStage
{
    /// <summary>Input side, on the first stage.</summary>
    /// <param name="inputs">Int64 tensor [batch, context].</param>
    /// <returns>Activations [batch, activation shape].</returns>
    torch.Tensor Embed(torch.Tensor inputs);

    /// <summary>One layer.</summary>
    /// <param name="layer">Layer, from 0, counted in the whole model.</param>
    /// <param name="activations">
    /// What the layer before it returned, on this stage or the one before. Nothing else may reach it from there: the backward pass, too, runs layer by layer.
    /// </param>
    torch.Tensor Layer(int layer, torch.Tensor activations);

    /// <summary>Output side, on the last stage.</summary>
    /// <param name="activations">What the last layer returned.</param>
    /// <param name="targets">Int64 tensor [batch, context].</param>
    /// <returns>Mean loss over batch and context, a scalar.</returns>
    torch.Tensor Loss(torch.Tensor activations, torch.Tensor targets);
}
