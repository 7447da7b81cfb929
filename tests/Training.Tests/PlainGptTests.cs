using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace TrainMover.Training.Tests;

/// <summary>The model written down once more, with libtorch's own modules of attention, optimizer and clipping, in one process and without any of the machinery.</summary>
public class PlainGptTests
{
    private static readonly ModelShape Shape = new(Layers: 2, Width: 32, Heads: 4, Context: 16, Dropout: 0f);
    private static readonly TrainingRecipe Recipe = new(Seed: 3, Steps: 5, BatchPerRank: 4, LearningRate: 1e-3f, WarmupSteps: 0, ClipNorm: 0.5f);

    [Fact]
    public void One_rank_trains_what_a_plain_program_trains()
    {
        using var scope = NewDisposeScope();
        using var replica = new Replica(Shape, Recipe);
        var weights = replica.Layout.Slots.ToDictionary(
            slot => slot.Name, slot => new TorchSharp.Modules.Parameter(tensor(replica.ParameterData.Slice(slot.Offset, slot.Count).ToArray(), [.. slot.Dimensions])));
        var matrices = weights.Values.Where(weight => weight.dim() > 1);
        var vectors = weights.Values.Where(weight => weight.dim() == 1);
        optim.Optimizer[] optimizers = [Optimizer(matrices, Recipe.WeightDecay), Optimizer(vectors, 0)];

        for (var step = 0; step < Recipe.Steps; step++)
        {
            using var batch = TinyJob.Text.Batch(Recipe.Seed, step, 0, Recipe.BatchPerRank, Shape.Context);
            foreach (var optimizer in optimizers)
                optimizer.zero_grad();
            var loss = Loss(weights, batch);
            loss.backward();
            nn.utils.clip_grad_norm_(weights.Values, Recipe.ClipNorm);
            foreach (var optimizer in optimizers)
                optimizer.step();

            StepProtocol.TrainStep(replica, TinyJob.Text, ThreadGroups.Alone, StepProtocol.Commit).Loss.ShouldBe(loss.item<float>(), tolerance: 2e-5);
        }

        foreach (var slot in replica.Layout.Slots)
        {
            var expected = weights[slot.Name].data<float>().ToArray();
            replica.ParameterData.Slice(slot.Offset, slot.Count).ToArray().Zip(expected, (a, b) => Math.Abs((double)a - b)).Max().ShouldBeLessThan(2e-4, slot.Name);
        }
    }

    private static optim.Optimizer Optimizer(IEnumerable<TorchSharp.Modules.Parameter> weights, double decay) =>
        optim.AdamW(weights, Recipe.LearningRate, Recipe.Beta1, Recipe.Beta2, Recipe.Epsilon, decay);

    private static Tensor Loss(Dictionary<string, TorchSharp.Modules.Parameter> weights, TrainingBatch batch)
    {
        var x = weights["embedding.token"][batch.Inputs] + weights["embedding.position"];
        for (var layer = 0; layer < Shape.Layers; layer++)
        {
            Tensor Weight(string name) => weights[$"blocks.{layer}.{name}"];
            var normed = layer_norm(x, [Shape.Width], Weight("attention.norm.gain"), Weight("attention.norm.bias"));
            var parts = linear(normed, Weight("attention.qkv.weight"), Weight("attention.qkv.bias")).chunk(3, -1);
            var heads = parts.Select(part => part.view(Recipe.BatchPerRank, Shape.Context, Shape.Heads, -1).transpose(1, 2)).ToArray();
            var scores = matmul(heads[0], heads[1].transpose(-2, -1)) / Math.Sqrt(Shape.Width / Shape.Heads);
            var future = ones(Shape.Context, Shape.Context).triu(1).to(ScalarType.Bool);
            var mixed = matmul(softmax(scores.masked_fill(future, double.NegativeInfinity), -1), heads[2]).transpose(1, 2).reshape(Recipe.BatchPerRank, Shape.Context, Shape.Width);
            x = x + linear(mixed, Weight("attention.projection.weight"), Weight("attention.projection.bias"));
            normed = layer_norm(x, [Shape.Width], Weight("mlp.norm.gain"), Weight("mlp.norm.bias"));
            x = x + linear(gelu(linear(normed, Weight("mlp.up.weight"), Weight("mlp.up.bias"))), Weight("mlp.down.weight"), Weight("mlp.down.bias"));
        }

        var logits = matmul(layer_norm(x, [Shape.Width], weights["norm.gain"], weights["norm.bias"]), weights["embedding.token"].t());
        return -log_softmax(logits, -1).gather(-1, batch.Targets.unsqueeze(-1)).mean();
    }
}
