using TorchSharp;
using TrainMover.Collectives;

namespace TrainMover.Training.Tests;

/// <summary>A model that counts the segments that are computed; otherwise it is the one inside, bit for bit.</summary>
internal sealed class CountedModel(IModel inner) : IModel
{
    public int Forward { get; private set; }

    public int Backward { get; private set; }

    public int Layers => inner.Layers;

    public int Context => inner.Context;

    public IReadOnlyList<long> ActivationShape => inner.ActivationShape;

    public IReadOnlyList<ParameterSpec> Parameters => inner.Parameters;

    public void Validate(ParallelLayout layout) => inner.Validate(layout);

    public IModelStage CreateStage(StageScope scope) => new Stage(inner.CreateStage(scope), this);

    public void Reset() => (Forward, Backward) = (0, 0);

    private torch.Tensor Count(torch.Tensor output)
    {
        Forward++;
        return Mark.apply(output, (Action)(() => Backward++));
    }

    private sealed class Stage(IModelStage inner, CountedModel counts) : IModelStage
    {
        public torch.Tensor Embed(torch.Tensor inputs) => counts.Count(inner.Embed(inputs));

        public torch.Tensor Layer(int layer, torch.Tensor activations) => counts.Count(inner.Layer(layer, activations));

        public torch.Tensor Loss(torch.Tensor activations, torch.Tensor targets) => counts.Count(inner.Loss(activations, targets));
    }
}
