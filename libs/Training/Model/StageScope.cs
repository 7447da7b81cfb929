using TorchSharp;

namespace TrainMover.Training;

/// <summary>What one rank's part of a model is made of.</summary>
public sealed class StageScope
{
    private readonly Func<string, torch.Tensor> _parameter;
    private readonly DropoutMasks _masks;

    internal StageScope(StageLayers layers, int batch, Func<string, torch.Tensor> parameter, TensorRegion tensorParallel, DropoutMasks masks)
    {
        (Layers, Batch, TensorParallel) = (layers, batch, tensorParallel);
        (_parameter, _masks) = (parameter, masks);
    }

    /// <summary>Layers of this stage.</summary>
    public StageLayers Layers { get; }

    /// <summary>Sequences of a micro-batch.</summary>
    public int Batch { get; }

    /// <summary>Ways into and out of what the tensor-parallel ranks compute in parts.</summary>
    public TensorRegion TensorParallel { get; }

    /// <summary>A parameter of this stage, divided by its split rule. Its gradient goes where the optimizer expects it.</summary>
    /// <param name="name">Name of the parameter.</param>
    /// <exception cref="KeyNotFoundException">This stage has no such parameter.</exception>
    public torch.Tensor Parameter(string name) => _parameter(name);

    /// <summary>A place where activations are dropped at random. The mask depends on seed, step, sequence, site and element, never on the layout.</summary>
    /// <param name="site">Number of the place in the whole model, 0 to 1023; unique.</param>
    /// <param name="probability">Probability that an element is dropped; 0 (inclusive) to 1 (exclusive).</param>
    /// <param name="shape">Shape without the batch dimension; a multiple of 8 elements.</param>
    /// <returns>The place: give it activations [batch, shape], it returns what is kept, scaled.</returns>
    public Func<torch.Tensor, torch.Tensor> Dropout(int site, float probability, params ReadOnlySpan<long> shape) => _masks.Add(site, probability, shape);
}
