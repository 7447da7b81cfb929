using TorchSharp;
using TrainMover.Collectives;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// Runs the forward and backward passes of one rank's stage over the micro-batches of a step, segment by segment: input side, each layer, output side. Between two of them a failure of the groups
/// stops the passes, so that nobody who is to be moved or mended waits for them. A rank that holds a whole model needs nobody else in its passes: what it has computed stays, and the next run of
/// the same passes goes on there. Activations and their gradients arrive in buffers that are made once.
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
    private PartialPass? _stopped;

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

    /// <summary>
    /// All passes of one step, or, where the same ones were stopped between two segments, what is left of them. On the last stage this rank's share of the loss is in the loss slot before the
    /// first gradient is final.
    /// </summary>
    /// <param name="data">What is trained on.</param>
    /// <param name="step">Step, from 0.</param>
    /// <param name="groups">The rank's groups.</param>
    /// <param name="finished">
    /// Called in the last backward pass with each layer whose gradients, and those of all behind it, are final; says whether any are reduced from now on. Null if nobody asks.
    /// </param>
    /// <param name="beforeBackward">Called once in all passes of a step, before the first backward pass writes gradients.</param>
    public void Run(ITrainingData data, long step, IRankGroups groups, Func<int, bool>? finished, Action beforeBackward)
    {
        _region.Use(groups.TensorParallel);
        var pass = Begin(new PassKey(data, step, (long)groups.Position.Dp * _microBatch * _microBatches, groups.DataParallel.Size));
        try
        {
            for (; pass.Action < _actions.Count; pass.Action++)
                Act(_actions[pass.Action], pass, groups, finished, beforeBackward);
        }
        catch (CollectiveException) when (pass.CanGoOn && groups.ModelParallel.Size == 1)
        {
            _stopped = pass;
            throw;
        }
        finally
        {
            if (_stopped is null)
                Forget();
        }
    }

    /// <summary>Frees what stopped passes have left; the next ones begin anew.</summary>
    public void Forget()
    {
        _stopped = null;
        foreach (var slot in _inFlight)
            slot.Forget();
    }

    public void Dispose()
    {
        foreach (var slot in _inFlight)
            slot.Dispose();
        _fromNext?.Dispose();
    }

    private PartialPass Begin(PassKey key)
    {
        if (_stopped is { } stopped && stopped.Key == key)
        {
            _stopped = null;
            return stopped;
        }

        Forget();
        Replica.Data(_gradients)[^1] = 0f;
        return new PartialPass(key);
    }

    private void Act(PipelineAction action, PartialPass pass, IRankGroups groups, Func<int, bool>? finished, Action beforeBackward)
    {
        switch (action.Kind)
        {
            case PipelineActionKind.Forward:
                Forward(At(action.First), pass, pass.Key.FirstSequence + ((long)action.First * _microBatch), groups);
                break;
            case PipelineActionKind.Backward:
                if (!pass.WritesGradients)
                    beforeBackward();
                pass.WritesGradients = true;
                Backward(At(action.First), pass, groups, action.First == _microBatches - 1 ? finished : null);
                break;
            case PipelineActionKind.Previous:
                groups.Previous!.Shift(Outgoing(action, slot => slot.InputGradient!), Incoming(action, slot => slot.Input!));
                break;
            default:
                groups.Next!.Shift(Outgoing(action, slot => slot.Output), action.Incoming == PipelineAction.Nothing ? [] : _fromNext!.bytes);
                break;
        }
    }

    private InFlight At(int microBatch) => _inFlight[microBatch % _inFlight.Length];

    private ReadOnlySpan<byte> Outgoing(PipelineAction action, Func<InFlight, Tensor> tensor) => action.First == PipelineAction.Nothing ? [] : tensor(At(action.First)).bytes;

    private Span<byte> Incoming(PipelineAction action, Func<InFlight, Tensor> tensor) => action.Incoming == PipelineAction.Nothing ? [] : tensor(At(action.Incoming)).bytes;

    // Segments that are there were computed before the passes were stopped.
    private void Forward(InFlight slot, PartialPass pass, long firstSequence, IRankGroups groups)
    {
        using var scope = NewDisposeScope();
        TrainingBatch? batch = _layers.IsFirst || _layers.IsLast ? pass.Key.Data.Batch(_seed, pass.Key.Step, firstSequence, _microBatch, _model.Context) : null;
        if (slot.Segments.Count == 0)
        {
            slot.Masks.Draw(_seed, pass.Key.Step, firstSequence);
            if (_layers.IsFirst)
                slot.Add(null, slot.Stage.Embed(batch!.Value.Inputs));
        }

        var x = slot.Segments.Count == 0 ? slot.Input! : slot.Output;
        for (var layer = LayerOf(slot.Segments.Count); layer < _layers.First + _layers.Count; layer++)
        {
            StandBetweenSegments(pass, groups);
            var input = Cut(x);
            var output = slot.Stage.Layer(layer, input);
            x = slot.Add(input, layer == _layers.First + _layers.Count - 1 && !_layers.IsLast ? output.contiguous() : output);
        }

        if (!_layers.IsLast)
            return;
        StandBetweenSegments(pass, groups);
        var activations = Cut(x);
        var loss = slot.Stage.Loss(activations, batch!.Value.Targets);
        if (_microBatches > 1)
            loss = loss / _microBatches;
        Replica.Data(_gradients)[^1] += slot.Add(activations, loss).item<float>();

        Tensor Cut(Tensor before) => ReferenceEquals(before, slot.Input) ? before : before.detach().requires_grad_();
    }

    private void Backward(InFlight slot, PartialPass pass, IRankGroups groups, Func<int, bool>? finished)
    {
        using var scope = NewDisposeScope();
        slot.InputGradient?.bytes.Clear();
        for (; slot.BackwardLeft > 0; slot.BackwardLeft--)
        {
            StandBetweenSegments(pass, groups);
            var segment = slot.BackwardLeft - 1;
            var (input, output) = slot.Segments[segment];
            if ((segment == slot.Segments.Count - 1 ? _fromNext : slot.Segments[segment + 1].Input!.grad) is { } gradient)
                output.backward([gradient]);
            else
                output.backward();
            _region.ThrowIfFailed();
            if (input is not null && finished is not null)
                pass.GaveGradients |= finished(LayerOf(segment));
        }

        slot.Forget();
    }

    private static void StandBetweenSegments(PartialPass pass, IRankGroups groups)
    {
        pass.IsBetweenSegments = true;
        groups.ThrowIfFailed();
        pass.IsBetweenSegments = false;
    }

    // The input side, where it is here, is the first segment.
    private int LayerOf(int segment) => _layers.First + segment - (_layers.IsFirst ? 1 : 0);

    /// <summary>What one micro-batch in flight keeps between its forward and its backward pass.</summary>
    private sealed class InFlight(IModelStage stage, DropoutMasks masks, Tensor? input, Tensor? inputGradient) : IDisposable
    {
        public IModelStage Stage { get; } = stage;

        public DropoutMasks Masks { get; } = masks;

        public Tensor? Input { get; } = input;

        public Tensor? InputGradient { get; } = inputGradient;

        /// <summary>Parts of the forward pass in order: what went in (null before the first layer, where nothing is derived from it) and what came out.</summary>
        public List<(Tensor? Input, Tensor Output)> Segments { get; } = [];

        /// <summary>How many of them, from the first, the backward pass has still to come to.</summary>
        public int BackwardLeft { get; set; }

        /// <summary>What the last of them gave: in the end what the stage hands on, activations or the loss.</summary>
        public Tensor Output => Segments[^1].Output;

        public Tensor Add(Tensor? input, Tensor output)
        {
            if (!ReferenceEquals(input, Input))
                input?.DetachFromDisposeScope();
            Segments.Add((input, output.DetachFromDisposeScope()));
            BackwardLeft++;
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
            BackwardLeft = 0;
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
