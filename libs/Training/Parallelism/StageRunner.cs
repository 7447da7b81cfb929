using TorchSharp;
using TrainMover.Collectives;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// Runs the forward and backward passes of one rank's stage over the micro-batches of a step, segment by segment: input side, each layer, output side. Between two of them a failure of the groups
/// ends the step, so that nobody who is to be moved or mended waits for work that is lost. Activations and their gradients arrive in buffers that are made once.
/// </summary>
internal sealed class StageRunner : IDisposable
{
    private readonly IModel _model;
    private readonly StageLayers _layers;
    private readonly TensorRegion _region;
    private readonly IReadOnlyList<PipelineAction> _actions;
    private readonly InFlight[] _inFlight;
    private readonly Tensor _gradients;
    private readonly Tensor? _fromNext;
    private readonly int _microBatches;
    private readonly int _microBatch;
    private readonly ulong _seed;

    public StageRunner(IModel model, TrainingRecipe recipe, ParallelLayout layout, RankPosition position, StageLayers layers, Func<string, Tensor> parameter, Tensor gradients, Device device)
    {
        (_model, _layers, _seed, _gradients) = (model, layers, recipe.Seed, gradients);
        _microBatches = recipe.MicroBatches;
        _microBatch = recipe.BatchPerRank / recipe.MicroBatches;
        _region = new TensorRegion(position.Tp, layout.Tp);
        _actions = PipelineSchedule.Of(position.Pp, layout.Pp, _microBatches);
        long[] activations = [_microBatch, .. model.ActivationShape];
        _inFlight = [.. Enumerable.Range(0, PipelineSchedule.InFlight(position.Pp, layout.Pp, _microBatches)).Select(_ => CreateInFlight())];
        if (!layers.IsLast)
            _fromNext = zeros(activations, ScalarType.Float32, device).DetachFromDisposeScope();

        InFlight CreateInFlight()
        {
            var masks = new DropoutMasks(_microBatch, device);
            var stage = model.CreateStage(new StageScope(layers, _microBatch, parameter, _region, masks));
            if (layers.IsFirst)
                return new InFlight(stage, masks, input: null, inputGradient: null);
            var input = zeros(activations, ScalarType.Float32, device).DetachFromDisposeScope();
            var gradient = zeros(activations, ScalarType.Float32, device).DetachFromDisposeScope();
            input.requires_grad = true;
            input.grad = gradient;
            return new InFlight(stage, masks, input, gradient);
        }
    }

    /// <summary>All passes of one step. On the last stage this rank's share of the loss is in the loss slot before the first gradient is final.</summary>
    /// <param name="data">What is trained on.</param>
    /// <param name="step">Step, from 0.</param>
    /// <param name="groups">The rank's groups.</param>
    /// <param name="finished">Called in the last backward pass with each layer whose gradients, and those of all behind it, are final; null if nobody asks.</param>
    /// <param name="beforeBackward">Called once, before the first backward pass writes gradients.</param>
    public void Run(ITrainingData data, long step, IRankGroups groups, Action<int>? finished, Action beforeBackward)
    {
        var writes = false;
        _region.Use(groups.TensorParallel);
        var firstSequence = (long)groups.Position.Dp * _microBatch * _microBatches;
        try
        {
            foreach (var action in _actions)
            {
                switch (action.Kind)
                {
                    case PipelineActionKind.Forward:
                        Forward(At(action.First), data, step, firstSequence + ((long)action.First * _microBatch), groups);
                        break;
                    case PipelineActionKind.Backward:
                        if (!writes)
                            beforeBackward();
                        writes = true;
                        Backward(At(action.First), groups, action.First == _microBatches - 1 ? finished : null);
                        break;
                    case PipelineActionKind.Previous:
                        groups.Previous!.Shift(Outgoing(action, slot => slot.InputGradient!), Incoming(action, slot => slot.Input!));
                        break;
                    default:
                        groups.Next!.Shift(Outgoing(action, slot => slot.Output), action.Incoming == PipelineAction.Nothing ? [] : _fromNext!.bytes);
                        break;
                }
            }
        }
        finally
        {
            foreach (var slot in _inFlight)
                slot.Forget();
        }
    }

    public void Dispose()
    {
        foreach (var slot in _inFlight)
            slot.Dispose();
        _fromNext?.Dispose();
    }

    private InFlight At(int microBatch) => _inFlight[microBatch % _inFlight.Length];

    private ReadOnlySpan<byte> Outgoing(PipelineAction action, Func<InFlight, Tensor> tensor) => action.First == PipelineAction.Nothing ? [] : tensor(At(action.First)).bytes;

    private Span<byte> Incoming(PipelineAction action, Func<InFlight, Tensor> tensor) => action.Incoming == PipelineAction.Nothing ? [] : tensor(At(action.Incoming)).bytes;

    private void Forward(InFlight slot, ITrainingData data, long step, long firstSequence, IRankGroups groups)
    {
        using var scope = NewDisposeScope();
        slot.Masks.Draw(_seed, step, firstSequence);
        TrainingBatch? batch = _layers.IsFirst || _layers.IsLast ? data.Batch(_seed, step, firstSequence, _microBatch, _model.Context) : null;
        var x = _layers.IsFirst ? slot.Add(null, slot.Stage.Embed(batch!.Value.Inputs)) : slot.Input!;
        for (var layer = _layers.First; layer < _layers.First + _layers.Count; layer++)
        {
            groups.ThrowIfFailed();
            var input = Cut(x);
            var output = slot.Stage.Layer(layer, input);
            x = slot.Add(input, layer == _layers.First + _layers.Count - 1 && !_layers.IsLast ? output.contiguous() : output);
        }

        if (!_layers.IsLast)
            return;
        groups.ThrowIfFailed();
        var activations = Cut(x);
        var loss = slot.Stage.Loss(activations, batch!.Value.Targets);
        if (_microBatches > 1)
            loss = loss / _microBatches;
        Replica.Data(_gradients)[^1] += slot.Add(activations, loss).item<float>();

        Tensor Cut(Tensor before) => ReferenceEquals(before, slot.Input) ? before : before.detach().requires_grad_();
    }

    private void Backward(InFlight slot, IRankGroups groups, Action<int>? finished)
    {
        using var scope = NewDisposeScope();
        slot.InputGradient?.bytes.Clear();
        var gradient = _fromNext;
        var layer = _layers.First + _layers.Count - (_layers.IsLast ? 0 : 1);
        for (var segment = slot.Segments.Count - 1; segment >= 0; segment--, layer--)
        {
            groups.ThrowIfFailed();
            var (input, output) = slot.Segments[segment];
            if (gradient is null)
                output.backward();
            else
                output.backward([gradient]);
            _region.ThrowIfFailed();
            gradient = input?.grad;
            if (input is not null)
                finished?.Invoke(layer);
        }

        slot.Forget();
    }

    /// <summary>What one micro-batch in flight keeps between its forward and its backward pass.</summary>
    private sealed class InFlight(IModelStage stage, DropoutMasks masks, Tensor? input, Tensor? inputGradient) : IDisposable
    {
        public IModelStage Stage { get; } = stage;

        public DropoutMasks Masks { get; } = masks;

        public Tensor? Input { get; } = input;

        public Tensor? InputGradient { get; } = inputGradient;

        /// <summary>Parts of the forward pass in order: what went in (null before the first layer, where nothing is derived from it) and what came out.</summary>
        public List<(Tensor? Input, Tensor Output)> Segments { get; } = [];

        /// <summary>What the stage hands on: activations, or the loss.</summary>
        public Tensor Output => Segments[^1].Output;

        public Tensor Add(Tensor? input, Tensor output)
        {
            if (!ReferenceEquals(input, Input))
                input?.DetachFromDisposeScope();
            Segments.Add((input, output.DetachFromDisposeScope()));
            return output;
        }

        public void Forget()
        {
            foreach (var (before, after) in Segments)
            {
                after.Dispose();
                if (!ReferenceEquals(before, Input))
                    before?.Dispose();
            }

            Segments.Clear();
        }

        public void Dispose()
        {
            Forget();
            Masks.Dispose();
            Input?.Dispose();
            InputGradient?.Dispose();
            (Stage as IDisposable)?.Dispose();
        }
    }
}
