using TorchSharp;
using TrainMover.Collectives;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>Fault injection: a model whose every operation, forward and backward, takes a share of processor time more than it needs. Its results are those of the model.</summary>
/// <param name="model">The model.</param>
/// <param name="slowness">The share, asked before each operation; 0 for none, infinite for an operation that does not return until it is asked again and finite.</param>
internal sealed class SlowedModel(IModel model, Func<double> slowness) : IModel
{
    public int Layers => model.Layers;

    public int Context => model.Context;

    public IReadOnlyList<long> ActivationShape => model.ActivationShape;

    public IReadOnlyList<ParameterSpec> Parameters => model.Parameters;

    public void Validate(ParallelLayout layout) => model.Validate(layout);

    public IModelStage CreateStage(StageScope scope) => new SlowedStage(model.CreateStage(scope), slowness);

    private sealed class SlowedStage(IModelStage stage, Func<double> slowness) : IModelStage, IDisposable
    {
        private long _backward;

        public Tensor Embed(Tensor inputs)
        {
            var (share, began) = (slowness(), ComputeClock.Now());
            var activations = stage.Embed(inputs);
            Waste(share, began);
            return activations;
        }

        public Tensor Layer(int layer, Tensor activations) => Slow(activations, marked => stage.Layer(layer, marked));

        public Tensor Loss(Tensor activations, Tensor targets) => Slow(activations, marked => stage.Loss(marked, targets));

        public void Dispose() => (stage as IDisposable)?.Dispose();

        // Backward passes what comes out first and what went in last.
        private Tensor Slow(Tensor activations, Func<Tensor, Tensor> operation)
        {
            if (slowness() is not (> 0 and var share)) return operation(activations);
            var marked = BackwardMark.Set(activations, () => Waste(share, _backward));
            var began = ComputeClock.Now();
            var result = operation(marked);
            Waste(share, began);
            return BackwardMark.Set(result, () => _backward = ComputeClock.Now());
        }

        private void Waste(double share, long began)
        {
            if (double.IsPositiveInfinity(share))
            {
                SpinWait.SpinUntil(() => !double.IsPositiveInfinity(slowness()));
                return;
            }

            var now = ComputeClock.Now();
            var until = now + (long)(share * (now - began));
            while (ComputeClock.Now() < until) Thread.SpinWait(20);
        }
    }

    /// <summary>Changes nothing and says when backward passes it; what it calls must not throw.</summary>
    private sealed class BackwardMark : autograd.SingleTensorFunction<BackwardMark>
    {
        private const string Passed = nameof(Passed);

        public override string Name => nameof(BackwardMark);

        public static Tensor Set(Tensor activations, Action passed) => apply(activations, passed);

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
}
