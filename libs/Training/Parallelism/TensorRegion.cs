using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using TorchSharp;
using TrainMover.Collectives;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// The two ends of what tensor-parallel ranks compute in parts (Megatron-LM's f and g). Between <see cref="Enter"/> and <see cref="Leave"/> each rank works on its share;
/// outside all ranks hold the same bits.
/// </summary>
public sealed class TensorRegion
{
    private ICommunicator? _group;
    private ExceptionDispatchInfo? _failure;

    internal TensorRegion(int index, int degree) => (Index, Degree) = (index, degree);

    /// <summary>Tensor-parallel coordinate of this rank.</summary>
    public int Index { get; }

    /// <summary>Number of tensor-parallel ranks.</summary>
    public int Degree { get; }

    /// <summary>Into the region: the values as they are; in the backward pass the gradients of all ranks are summed.</summary>
    /// <param name="whole">Activations that are equal on all ranks.</param>
    public Tensor Enter(Tensor whole) => Degree == 1 ? whole : EnterFunction.apply(whole, this);

    /// <summary>Out of the region: the sum of all ranks' values; in the backward pass the gradient as it is.</summary>
    /// <param name="partial">This rank's share of a sum.</param>
    public Tensor Leave(Tensor partial) => Degree == 1 ? partial : LeaveFunction.apply(partial, this);

    internal void Use(ICommunicator group) => (_group, _failure) = (group, null);

    /// <summary>Throws what a backward pass met: an exception must not cross the native frames that it runs under.</summary>
    internal void ThrowIfFailed() => _failure?.Throw();

    private Tensor Sum(Tensor values)
    {
        var sum = values.contiguous().clone();
        _group!.AllReduce(MemoryMarshal.Cast<byte, float>(sum.bytes), ReduceOperation.Sum);
        return sum;
    }

    private Tensor SumInBackward(Tensor gradient)
    {
        if (_failure is not null)
            return gradient;
        try
        {
            return Sum(gradient);
        }
        catch (Exception failure)
        {
            _failure = ExceptionDispatchInfo.Capture(failure);
            return gradient;
        }
    }

    private sealed class EnterFunction : autograd.SingleTensorFunction<EnterFunction>
    {
        private const string Region = nameof(Region);

        public override string Name => nameof(EnterFunction);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data(Region, vars[1]);
            return (Tensor)vars[0];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [((TensorRegion)ctx.get_data(Region)).SumInBackward(grad_output), null!];
    }

    private sealed class LeaveFunction : autograd.SingleTensorFunction<LeaveFunction>
    {
        public override string Name => nameof(LeaveFunction);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((TensorRegion)vars[1]).Sum((Tensor)vars[0]);

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [grad_output, null!];
    }
}
