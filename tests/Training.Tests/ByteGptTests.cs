using TorchSharp;
using static TorchSharp.torch;

namespace TrainMover.Training.Tests;

public sealed class ByteGptTests : IDisposable
{
    private const int Context = 16;
    private const int Changed = 9;
    private static readonly ModelShape Shape = TinyJob.Shape with { Context = Context, Dropout = 0f };

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void A_prediction_depends_on_its_byte_and_earlier_ones_only()
    {
        var layout = new ParameterLayout(Shape);
        var random = new Random(1);
        var model = new ByteGptStage(Shape, new StageScope(
            layout.Stage, batch: 1, name => Drawn(layout[name], random), new TensorRegion(0, 1), new DropoutMasks(1, CPU)));
        var text = Enumerable.Range(0, Context).Select(value => (long)value).ToArray();

        var before = Logits(model, text);
        text[Changed] = 200;
        var after = Logits(model, text);

        for (var position = 0; position < Context; position++)
        {
            var equal = before[position].SequenceEqual(after[position]);
            equal.ShouldBe(position < Changed, $"position {position}");
        }
    }

    private static float[][] Logits(ByteGptStage model, long[] text)
    {
        var logits = model.Logits(Enumerable.Range(0, Shape.Layers).Aggregate(model.Embed(tensor(text, [1, Context])), (x, layer) => model.Layer(layer, x)));
        return [.. logits.data<float>().ToArray().Chunk(ModelShape.Vocabulary)];
    }

    private static Tensor Drawn(ParameterSlot slot, Random random) =>
        tensor([.. Enumerable.Range(0, slot.Count).Select(_ => random.NextSingle() - 0.5f)], [.. slot.Dimensions]);
}
