namespace TrainMover.Detection.Metrics;

/// <summary>
/// A trained network as plain arithmetic: says of each feature what it should be, from all of them through a narrow layer. What judges running machines needs no TorchSharp, and gives the same bits
/// as what set the threshold.
/// </summary>
internal sealed class MetricNetwork
{
    private readonly Layer _straight;
    private readonly Layer _curved;
    private readonly Layer _narrow;
    private readonly Layer _widened;
    private readonly Layer _foretold;

    /// <summary>Takes weights by the names of <see cref="Shapes"/>.</summary>
    /// <exception cref="InvalidDataException">Weights are missing, or of another shape.</exception>
    public MetricNetwork(int features, int narrow, IReadOnlyDictionary<string, float[]> weights)
    {
        Weights = weights;
        var layers = Shapes(features, narrow).Select(shape => Layer.Of(shape.Name, shape.Outputs, shape.Inputs, weights)).ToList();
        (_straight, _curved, _narrow, _widened, _foretold) = (layers[0], layers[1], layers[2], layers[3], layers[4]);
    }

    /// <summary>Weights by name: <c>LAYER.weight</c> (row by row) and <c>LAYER.bias</c>.</summary>
    public IReadOnlyDictionary<string, float[]> Weights { get; }

    /// <summary>Width of the narrowest layer.</summary>
    public static int Narrow(int features, double bottleneck) => Math.Max(1, (int)(features * bottleneck));

    /// <summary>The layers, in order: a straight path and a curved one through the narrow layer, and what joins them.</summary>
    public static IReadOnlyList<(string Name, int Outputs, int Inputs)> Shapes(int features, int narrow) =>
    [
        ("straight", narrow, features), ("curved", 2 * narrow, features), ("narrow", narrow, 2 * narrow), ("widened", 2 * narrow, narrow), ("foretold", features, 3 * narrow),
    ];

    /// <summary>What each feature is beyond what it should be.</summary>
    public float[] Residual(float[] sample)
    {
        var narrow = _narrow.Bias.Length;
        Span<float> joined = new float[3 * narrow];
        _straight.Apply(sample, joined[..narrow]);
        Span<float> wide = new float[2 * narrow];
        _curved.Apply(sample, wide);
        Curve(wide);
        Span<float> inner = new float[narrow];
        _narrow.Apply(wide, inner);
        _widened.Apply(inner, joined[narrow..]);
        Curve(joined[narrow..]);
        var residual = new float[sample.Length];
        _foretold.Apply(joined, residual);
        for (var feature = 0; feature < residual.Length; feature++) residual[feature] = sample[feature] - residual[feature];
        return residual;
    }

    private static void Curve(Span<float> values)
    {
        foreach (ref var value in values) value = MathF.Tanh(value);
    }

    private sealed record Layer(float[] Weight, float[] Bias)
    {
        public static Layer Of(string name, int outputs, int inputs, IReadOnlyDictionary<string, float[]> weights) =>
            new(Required($"{name}.weight", outputs * inputs, weights), Required($"{name}.bias", outputs, weights));

        public void Apply(ReadOnlySpan<float> inputs, Span<float> outputs)
        {
            for (var row = 0; row < outputs.Length; row++)
            {
                var weights = Weight.AsSpan(row * inputs.Length, inputs.Length);
                var sum = Bias[row];
                for (var column = 0; column < weights.Length; column++) sum += weights[column] * inputs[column];
                outputs[row] = sum;
            }
        }

        private static float[] Required(string name, int length, IReadOnlyDictionary<string, float[]> weights) =>
            weights.TryGetValue(name, out var values) && values.Length == length ? values : throw new InvalidDataException($"{name} has to hold {length} weights.");
    }
}
