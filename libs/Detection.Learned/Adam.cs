using System.Runtime.InteropServices;
using TorchSharp.Modules;

namespace TrainMover.Detection.Learned;

/// <summary>Adam over the parameters of a small network, in place. (That of TorchSharp 0.107 hands scalars to native code which the collector may have taken.)</summary>
internal sealed class Adam(IEnumerable<Parameter> parameters)
{
    private const float KeepFirst = 0.9f;
    private const float KeepSecond = 0.999f;
    private const float Epsilon = 1e-8f;
    private readonly List<(Parameter Parameter, float[] First, float[] Second)> _states =
        [.. parameters.Select(parameter => (parameter, new float[parameter.numel()], new float[parameter.numel()]))];

    private int _step;

    /// <summary>One update from the gradients, which are zero afterwards.</summary>
    public void Step(double rate)
    {
        _step++;
        var scale = (float)(rate * Math.Sqrt(1 - Math.Pow(KeepSecond, _step)) / (1 - Math.Pow(KeepFirst, _step)));
        foreach (var (parameter, first, second) in _states)
        {
            using var gradient = parameter.grad ?? throw new InvalidOperationException("A parameter has no gradient: it does not take part in the loss.");
            var gradients = MemoryMarshal.Cast<byte, float>(gradient.bytes);
            var values = MemoryMarshal.Cast<byte, float>(parameter.bytes);
            for (var index = 0; index < values.Length; index++)
            {
                var slope = gradients[index];
                first[index] = (KeepFirst * first[index]) + ((1 - KeepFirst) * slope);
                second[index] = (KeepSecond * second[index]) + ((1 - KeepSecond) * slope * slope);
                values[index] -= scale * first[index] / (MathF.Sqrt(second[index]) + Epsilon);
            }

            gradients.Clear();
        }
    }
}
