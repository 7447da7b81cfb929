using TorchSharp;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// Changes nothing and says when backward passes it. libtorch works off the nodes of a graph latest first, and accumulates parameter gradients before anything else, so at that moment
/// the gradients of everything behind the boundary are final.
/// </summary>
internal sealed class GradientBoundary : autograd.SingleTensorFunction<GradientBoundary>
{
    private const string Passed = nameof(Passed);

    public override string Name => nameof(GradientBoundary);

    /// <summary>Marks a place; <paramref name="passed"/> must not throw.</summary>
    public static Tensor Mark(Tensor activations, Action passed) => apply(activations, passed);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(Passed, vars[1]);
        return (Tensor)vars[0];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ((Action)ctx.get_data(Passed))();
        return [grad_output, null!];
    }
}
