using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace TrainMover.Training;

/// <summary>Forward pass of one rank's part of the byte-level GPT: heads and inner MLP units are divided among tensor-parallel ranks, the residual stream is not.</summary>
internal sealed class ByteGptStage : IModelStage
{
    private readonly ModelShape _shape;
    private readonly int _batch;
    private readonly int _heads;
    private readonly int _firstLayer;
    private readonly TensorRegion _region;
    private readonly Tensor? _token;
    private readonly Tensor? _position;
    private readonly Tensor? _gain;
    private readonly Tensor? _bias;
    private readonly Func<Tensor, Tensor>? _dropEmbedded;
    private readonly Block[] _blocks;

    public ByteGptStage(ModelShape shape, StageScope scope)
    {
        (_shape, _batch, _region) = (shape, scope.Batch, scope.TensorParallel);
        _heads = shape.Heads / scope.TensorParallel.Degree;
        _firstLayer = scope.Layers.First;
        if (scope.Layers.IsFirst || scope.Layers.IsLast)
            _token = scope.Parameter("embedding.token");
        if (scope.Layers.IsFirst)
        {
            _position = scope.Parameter("embedding.position");
            _dropEmbedded = scope.Dropout(0, shape.Dropout, shape.Context, shape.Width);
        }

        if (scope.Layers.IsLast)
        {
            _gain = scope.Parameter("norm.gain");
            _bias = scope.Parameter("norm.bias");
        }

        _blocks = [.. Enumerable.Range(_firstLayer, scope.Layers.Count).Select(layer => new Block(scope, shape, layer))];
    }

    public Tensor Embed(Tensor inputs) =>
        _dropEmbedded!(_token!.index_select(0, inputs.view(-1)).view(_batch, _shape.Context, _shape.Width) + _position!);

    public Tensor Layer(int layer, Tensor activations)
    {
        var block = _blocks[layer - _firstLayer];
        var x = activations + block.DropAttended(Attend(block, activations));
        return x + block.DropFed(FeedForward(block, x));
    }

    public Tensor Loss(Tensor activations, Tensor targets) =>
        cross_entropy(Logits(activations).view(-1, ModelShape.Vocabulary), targets.view(-1));

    /// <summary>Unnormalised log-probabilities of the next byte, [batch, context, vocabulary].</summary>
    public Tensor Logits(Tensor activations) => linear(layer_norm(activations, [_shape.Width], _gain, _bias), _token!);

    private Tensor Attend(Block block, Tensor x)
    {
        var headWidth = _shape.Width / _shape.Heads;
        var normed = _region.Enter(layer_norm(x, [_shape.Width], block.AttentionGain, block.AttentionBias));
        var qkv = linear(normed, block.QkvWeight, block.QkvBias).view(_batch, _shape.Context, 3, _heads, headWidth).permute(2, 0, 3, 1, 4);
        var attended = scaled_dot_product_attention(qkv.select(0, 0), qkv.select(0, 1), qkv.select(0, 2), null!, 0.0, true);
        return RowParallel(attended.transpose(1, 2).reshape(_batch, _shape.Context, _heads * headWidth), block.ProjectionWeight, block.ProjectionBias);
    }

    private Tensor FeedForward(Block block, Tensor x)
    {
        var normed = _region.Enter(layer_norm(x, [_shape.Width], block.MlpGain, block.MlpBias));
        return RowParallel(gelu(linear(normed, block.UpWeight, block.UpBias)), block.DownWeight, block.DownBias);
    }

    // The bias is not divided, so it is added once, after the sum.
    private Tensor RowParallel(Tensor x, Tensor weight, Tensor bias) =>
        _region.Degree == 1 ? linear(x, weight, bias) : _region.Leave(linear(x, weight)) + bias;

    private sealed class Block(StageScope scope, ModelShape shape, int layer)
    {
        public Tensor AttentionGain { get; } = scope.Parameter($"blocks.{layer}.attention.norm.gain");
        public Tensor AttentionBias { get; } = scope.Parameter($"blocks.{layer}.attention.norm.bias");
        public Tensor QkvWeight { get; } = scope.Parameter($"blocks.{layer}.attention.qkv.weight");
        public Tensor QkvBias { get; } = scope.Parameter($"blocks.{layer}.attention.qkv.bias");
        public Tensor ProjectionWeight { get; } = scope.Parameter($"blocks.{layer}.attention.projection.weight");
        public Tensor ProjectionBias { get; } = scope.Parameter($"blocks.{layer}.attention.projection.bias");
        public Tensor MlpGain { get; } = scope.Parameter($"blocks.{layer}.mlp.norm.gain");
        public Tensor MlpBias { get; } = scope.Parameter($"blocks.{layer}.mlp.norm.bias");
        public Tensor UpWeight { get; } = scope.Parameter($"blocks.{layer}.mlp.up.weight");
        public Tensor UpBias { get; } = scope.Parameter($"blocks.{layer}.mlp.up.bias");
        public Tensor DownWeight { get; } = scope.Parameter($"blocks.{layer}.mlp.down.weight");
        public Tensor DownBias { get; } = scope.Parameter($"blocks.{layer}.mlp.down.bias");

        public Func<Tensor, Tensor> DropAttended { get; } = scope.Dropout(1 + (2 * layer), shape.Dropout, shape.Context, shape.Width);

        public Func<Tensor, Tensor> DropFed { get; } = scope.Dropout(2 + (2 * layer), shape.Dropout, shape.Context, shape.Width);
    }
}
