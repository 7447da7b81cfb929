using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace TrainMover.Training;

/// <summary>Forward pass of the byte-level GPT over parameters that live elsewhere.</summary>
internal sealed class ByteGpt : IDisposable
{
    private readonly ModelShape _shape;
    private readonly int _batch;
    private readonly Tensor _token;
    private readonly Tensor _position;
    private readonly Block[] _blocks;
    private readonly Tensor _gain;
    private readonly Tensor _bias;
    private readonly DropoutMasks _dropout;

    public ByteGpt(ModelShape shape, int batch, Func<string, Tensor> parameter, Device device)
    {
        _shape = shape;
        _batch = batch;
        _token = parameter("embedding.token");
        _position = parameter("embedding.position");
        _blocks = [.. Enumerable.Range(0, shape.Layers).Select(layer => new Block(name => parameter($"blocks.{layer}.{name}")))];
        _gain = parameter("norm.gain");
        _bias = parameter("norm.bias");
        _dropout = new DropoutMasks(1 + 2 * shape.Layers, [batch, shape.Context, shape.Width], shape.Dropout, device);
    }

    /// <summary>Mean cross-entropy in nats per byte.</summary>
    public Tensor Loss(TrainingBatch batch, ulong seed, long step, int rank) =>
        cross_entropy(Logits(batch.Inputs, seed, step, rank).view(-1, ModelShape.Vocabulary), batch.Targets.view(-1));

    /// <summary>Unnormalised log-probabilities of the next byte, [batch, context, vocabulary].</summary>
    public Tensor Logits(Tensor inputs, ulong seed, long step, int rank)
    {
        _dropout.Draw(seed, step, rank);
        var x = _token.index_select(0, inputs.view(-1)).view(_batch, _shape.Context, _shape.Width) + _position;
        x = _dropout.Apply(0, x);
        for (var layer = 0; layer < _blocks.Length; layer++)
        {
            x = x + _dropout.Apply(1 + 2 * layer, Attend(_blocks[layer], x));
            x = x + _dropout.Apply(2 + 2 * layer, FeedForward(_blocks[layer], x));
        }

        return linear(layer_norm(x, [_shape.Width], _gain, _bias), _token);
    }

    public void Dispose() => _dropout.Dispose();

    private Tensor Attend(Block block, Tensor x)
    {
        var normed = layer_norm(x, [_shape.Width], block.AttentionGain, block.AttentionBias);
        var qkv = linear(normed, block.QkvWeight, block.QkvBias)
            .view(_batch, _shape.Context, 3, _shape.Heads, _shape.Width / _shape.Heads)
            .permute(2, 0, 3, 1, 4);
        var attended = scaled_dot_product_attention(qkv.select(0, 0), qkv.select(0, 1), qkv.select(0, 2), null!, 0.0, true);
        return linear(attended.transpose(1, 2).reshape(_batch, _shape.Context, _shape.Width), block.ProjectionWeight, block.ProjectionBias);
    }

    private Tensor FeedForward(Block block, Tensor x)
    {
        var normed = layer_norm(x, [_shape.Width], block.MlpGain, block.MlpBias);
        return linear(gelu(linear(normed, block.UpWeight, block.UpBias)), block.DownWeight, block.DownBias);
    }

    private sealed class Block(Func<string, Tensor> parameter)
    {
        public Tensor AttentionGain { get; } = parameter("attention.norm.gain");
        public Tensor AttentionBias { get; } = parameter("attention.norm.bias");
        public Tensor QkvWeight { get; } = parameter("attention.qkv.weight");
        public Tensor QkvBias { get; } = parameter("attention.qkv.bias");
        public Tensor ProjectionWeight { get; } = parameter("attention.projection.weight");
        public Tensor ProjectionBias { get; } = parameter("attention.projection.bias");
        public Tensor MlpGain { get; } = parameter("mlp.norm.gain");
        public Tensor MlpBias { get; } = parameter("mlp.norm.bias");
        public Tensor UpWeight { get; } = parameter("mlp.up.weight");
        public Tensor UpBias { get; } = parameter("mlp.up.bias");
        public Tensor DownWeight { get; } = parameter("mlp.down.weight");
        public Tensor DownBias { get; } = parameter("mlp.down.bias");
    }
}
