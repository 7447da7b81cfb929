using TorchSharp;

namespace TrainMover.Training.Tests;

/// <summary>Changes nothing and says when backward passes it.</summary>
internal sealed class Mark : torch.autograd.SingleTensorFunction<Mark>
{
    public override string Name => nameof(Mark);

    public override torch.Tensor forward(torch.autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(nameof(Mark), vars[1]);
        return (torch.Tensor)vars[0];
    }

    public override List<torch.Tensor> backward(torch.autograd.AutogradContext ctx, torch.Tensor grad_output)
    {
        ((Action)ctx.get_data(nameof(Mark)))();
        return [grad_output, null!];
    }
}
