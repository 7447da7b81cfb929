using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using TrainMover.Detection.Metrics;
using static TorchSharp.torch;

namespace TrainMover.Detection.Learned;

/// <summary>
/// Says of each feature what it should be, from all of them through a narrow layer: what usually moves together is foretold, what breaks the pattern is not. A linear
/// path beside the curved one learns the bulk of it fast.
/// </summary>
internal sealed class Autoencoder : nn.Module<Tensor, Tensor>
{
    private readonly Linear _straight;
    private readonly Linear _curved;
    private readonly Linear _narrow;
    private readonly Linear _widened;
    private readonly Linear _foretold;

    public Autoencoder(int features, int narrow)
        : base(nameof(Autoencoder))
    {
        _straight = nn.Linear(features, narrow);
        _curved = nn.Linear(features, 2 * narrow);
        _narrow = nn.Linear(2 * narrow, narrow);
        _widened = nn.Linear(narrow, 2 * narrow);
        _foretold = nn.Linear(3 * narrow, features);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        var curved = nn.functional.tanh(_widened.forward(_narrow.forward(nn.functional.tanh(_curved.forward(input)))));
        return _foretold.forward(cat([_straight.forward(input), curved], 1));
    }

    /// <summary>Trains on normal samples; equal seeds and data give equal weights.</summary>
    public static MetricNetwork Trained(float[][] samples, MetricModelSettings settings)
    {
        torch.set_num_threads(1);
        var features = samples[0].Length;
        var narrow = MetricNetwork.Narrow(features, settings.Bottleneck);
        using var network = new Autoencoder(features, narrow);
        var random = new Random(settings.Seed);
        network.Initialise(random);
        var adam = new Adam(network.parameters());
        var order = Enumerable.Range(0, samples.Length).ToArray();
        for (var epoch = 0; epoch < settings.Epochs; epoch++)
        {
            random.Shuffle(order);
            foreach (var chosen in order.Chunk(settings.Batch))
            {
                using (NewDisposeScope())
                {
                    var batch = Aligned([.. chosen.Select(sample => samples[sample])]);
                    nn.functional.smooth_l1_loss(network.forward(batch), batch).backward();
                }

                // The rate falls along a cosine, so that the end does not depend on the last batches.
                adam.Step(settings.LearningRate * 0.5 * (1 + Math.Cos(Math.PI * epoch / settings.Epochs)));
            }
        }

        return new MetricNetwork(features, narrow, network.Weights());
    }

    /// <summary>Weights by the names of <see cref="MetricNetwork"/>.</summary>
    public Dictionary<string, float[]> Weights()
    {
        var weights = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (var (name, layer) in new[] { ("straight", _straight), ("curved", _curved), ("narrow", _narrow), ("widened", _widened), ("foretold", _foretold) })
        {
            weights[$"{name}.weight"] = layer.weight!.data<float>().ToArray();
            weights[$"{name}.bias"] = layer.bias!.data<float>().ToArray();
        }

        return weights;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var layer in new[] { _straight, _curved, _narrow, _widened, _foretold }) layer.Dispose();
        }

        base.Dispose(disposing);
    }

    // A tensor over a managed array begins anywhere, and the last bits of a matrix product depend on where: a copy begins where the library aligns it.
    private static Tensor Aligned(float[][] samples) => tensor(samples.SelectMany(sample => sample).ToArray(), samples.Length, samples[0].Length).clone();

    // Uniform within one over the root of the inputs, from a generator of its own: what else draws random numbers in the process changes nothing.
    private void Initialise(Random random)
    {
        foreach (var layer in new[] { _straight, _curved, _narrow, _widened, _foretold })
        {
            var bound = 1 / MathF.Sqrt(layer.weight!.shape[1]);
            foreach (var parameter in new[] { layer.weight, layer.bias! })
            {
                foreach (ref var value in MemoryMarshal.Cast<byte, float>(parameter.bytes)) value = bound * ((2 * random.NextSingle()) - 1);
            }
        }
    }
}
