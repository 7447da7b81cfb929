using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>The byte-level GPT: pre-norm transformer blocks, learned positions, output layer tied to the token embedding.</summary>
public sealed class ByteGpt : IModel
{
    /// <summary>Describes the model of a shape.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <exception cref="ArgumentException">The shape is out of range.</exception>
    public ByteGpt(ModelShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        shape.Validate();
        Shape = shape;
        Parameters = [.. Describe(shape)];
    }

    /// <summary>Shape of the model.</summary>
    public ModelShape Shape { get; }

    /// <inheritdoc/>
    public int Layers => Shape.Layers;

    /// <inheritdoc/>
    public int Context => Shape.Context;

    /// <inheritdoc/>
    public IReadOnlyList<long> ActivationShape => [Shape.Context, Shape.Width];

    /// <inheritdoc/>
    public IReadOnlyList<ParameterSpec> Parameters { get; }

    /// <inheritdoc/>
    public void Validate(ParallelLayout layout)
    {
        if (Shape.Heads % layout.Tp != 0)
            throw new ArgumentException($"{Shape.Heads} attention heads cannot be divided among {layout.Tp} tensor-parallel ranks.", nameof(layout));
    }

    /// <inheritdoc/>
    public IModelStage CreateStage(StageScope scope) => new ByteGptStage(Shape, scope);

    private static IEnumerable<ParameterSpec> Describe(ModelShape shape)
    {
        var residual = 0.02f / MathF.Sqrt(2f * shape.Layers);
        long width = shape.Width;

        yield return new ParameterSpec("embedding.token", -1, ModelShape.Vocabulary, width) { Tied = true };
        yield return new ParameterSpec("embedding.position", -1, shape.Context, width);
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            var block = $"blocks.{layer}";
            yield return new ParameterSpec($"{block}.attention.qkv.weight", layer, 3 * width, width) { Split = SplitRule.FirstDimension, Sections = 3 };
            yield return new ParameterSpec($"{block}.attention.projection.weight", layer, width, width) { Split = SplitRule.LastDimension, Deviation = residual };
            yield return new ParameterSpec($"{block}.mlp.up.weight", layer, 4 * width, width) { Split = SplitRule.FirstDimension };
            yield return new ParameterSpec($"{block}.mlp.down.weight", layer, width, 4 * width) { Split = SplitRule.LastDimension, Deviation = residual };
            yield return new ParameterSpec($"{block}.attention.norm.gain", layer, width) { Initial = InitialValue.One };
            yield return new ParameterSpec($"{block}.attention.norm.bias", layer, width) { Initial = InitialValue.Zero };
            yield return new ParameterSpec($"{block}.attention.qkv.bias", layer, 3 * width) { Split = SplitRule.FirstDimension, Sections = 3, Initial = InitialValue.Zero };
            yield return new ParameterSpec($"{block}.attention.projection.bias", layer, width) { Initial = InitialValue.Zero };
            yield return new ParameterSpec($"{block}.mlp.norm.gain", layer, width) { Initial = InitialValue.One };
            yield return new ParameterSpec($"{block}.mlp.norm.bias", layer, width) { Initial = InitialValue.Zero };
            yield return new ParameterSpec($"{block}.mlp.up.bias", layer, 4 * width) { Split = SplitRule.FirstDimension, Initial = InitialValue.Zero };
            yield return new ParameterSpec($"{block}.mlp.down.bias", layer, width) { Initial = InitialValue.Zero };
        }

        yield return new ParameterSpec("norm.gain", shape.Layers, width) { Initial = InitialValue.One };
        yield return new ParameterSpec("norm.bias", shape.Layers, width) { Initial = InitialValue.Zero };
    }
}
