using TorchSharp;
using TrainMover.Collectives;
using TrainMover.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace OwnModel;

/// <summary>Predicts the next byte from the last few: their embeddings side by side, then residual layers of two matrices each.</summary>
public sealed class WindowModel(int window, int width, int inner, int layers) : IModel
{
    public int Layers => layers;

    public int Context => 32;

    public IReadOnlyList<long> ActivationShape => [Context, width];

    // Layer -1 is the input side, 0 and on are the layers, the number of layers is the output side.
    public IReadOnlyList<ParameterSpec> Parameters { get; } =
    [
        new ParameterSpec("embedding", -1, 256, width),
        new ParameterSpec("mix.weight", -1, width, window * width),
        .. Enumerable.Range(0, layers).SelectMany(layer => new[]
        {
            // Column-parallel: each rank has a share of the inner units, and of their bias.
            new ParameterSpec($"layers.{layer}.up.weight", layer, inner, width) { Split = SplitRule.FirstDimension },
            new ParameterSpec($"layers.{layer}.up.bias", layer, inner) { Split = SplitRule.FirstDimension, Initial = InitialValue.Zero },
            // Row-parallel: each rank has the columns that belong to its inner units.
            new ParameterSpec($"layers.{layer}.down.weight", layer, width, inner) { Split = SplitRule.LastDimension },
        }),
        new ParameterSpec("output.weight", layers, 256, width),
        new ParameterSpec("output.bias", layers, 256) { Initial = InitialValue.Zero },
    ];

    public void Validate(ParallelLayout layout)
    {
        if (inner % layout.Tp != 0)
            throw new ArgumentException($"{inner} inner units cannot be divided among {layout.Tp} ranks.", nameof(layout));
    }

    public IModelStage CreateStage(StageScope scope) => new Stage(scope, window, width);

    private sealed class Stage(StageScope scope, int window, int width) : IModelStage
    {
        public Tensor Embed(Tensor inputs)
        {
            // Zeros stand for the bytes before the beginning; slice k holds the byte k places back.
            var padded = nn.functional.pad(inputs, [window - 1, 0]);
            var context = inputs.shape[1];
            var slices = Enumerable.Range(0, window).Select(back => padded.narrow(1, window - 1 - back, context));
            var bytes = stack(slices, dim: -1);
            var embedded = scope.Parameter("embedding").index_select(0, bytes.view(-1)).view(scope.Batch, context, window * width);
            return linear(embedded, scope.Parameter("mix.weight"));
        }

        public Tensor Layer(int layer, Tensor x)
        {
            var parts = scope.TensorParallel.Enter(x);
            var hidden = relu(linear(parts, scope.Parameter($"layers.{layer}.up.weight"), scope.Parameter($"layers.{layer}.up.bias")));
            return x + scope.TensorParallel.Leave(linear(hidden, scope.Parameter($"layers.{layer}.down.weight")));
        }

        public Tensor Loss(Tensor x, Tensor targets) =>
            cross_entropy(linear(x, scope.Parameter("output.weight"), scope.Parameter("output.bias")).view(-1, 256), targets.view(-1));
    }
}

/// <summary>Made-up text: from each byte the next one follows by a rule, and a sequence is named by its first byte.</summary>
public sealed class CountingData : ITrainingData
{
    public TrainingBatch Batch(ulong seed, long step, long firstSequence, int count, int context)
    {
        var text = new long[count, context + 1];
        for (var i = 0; i < count; i++)
        {
            // A function of seed, step and sequence alone, so it does not matter which machine asks.
            text[i, 0] = (long)((seed + ((ulong)step * 7919) + (ulong)(firstSequence + i) * 104729) % 256);
            for (var t = 1; t <= context; t++)
                text[i, t] = ((text[i, t - 1] * 5) + 3) % 256;
        }

        using var whole = tensor(text);
        return new TrainingBatch(whole.narrow(1, 0, context).contiguous(), whole.narrow(1, 1, context).contiguous());
    }
}
