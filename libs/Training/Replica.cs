using System.Runtime.InteropServices;
using System.Security.Cryptography;
using TorchSharp;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// One rank's model and optimizer state in four flat float32 buffers: parameters, gradients, first and second moment. Every parameter and every
/// gradient that libtorch sees is a view of these, so a reduction, an update, a checkpoint or a state transfer touches tensor memory directly.
/// Not safe for use from several threads at once.
/// </summary>
public sealed class Replica : IDisposable
{
    private readonly Tensor _parameters;
    private readonly Tensor _gradients;
    private readonly Tensor _first;
    private readonly Tensor _second;
    private readonly List<Tensor> _views = [];
    private readonly ByteGpt _model;

    /// <summary>Makes a replica at step 0 whose parameters are a function of shape and seed alone.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="recipe">How it is trained.</param>
    /// <param name="device">Where tensors live; CPU (the default) is what collectives can reach.</param>
    /// <exception cref="ArgumentException">Shape or recipe is out of range, or the device is not the CPU.</exception>
    /// <exception cref="InvalidOperationException">libtorch cannot be held to one intra-op thread.</exception>
    public Replica(ModelShape shape, TrainingRecipe recipe, Device? device = null)
    {
        device ??= CPU;
        if (device.type != DeviceType.CPU)
            throw new ArgumentException($"Collectives and state transfers read tensor memory on the host; a replica on {device} has none.", nameof(device));
        recipe.Validate();
        ComputeThread.HoldToOneThread();
        Shape = shape;
        Recipe = recipe;
        Layout = new ParameterLayout(shape);

        _parameters = Flat(Layout.FlatLength, device);
        _gradients = Flat(Layout.FlatLength + 1, device);
        _first = Flat(Layout.FlatLength, device);
        _second = Flat(Layout.FlatLength, device);
        var byName = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var slot in Layout.Slots)
        {
            using var scope = NewDisposeScope();
            var view = View(_parameters, slot).detach();
            view.requires_grad = true;
            view.grad = View(_gradients, slot);
            byName[slot.Name] = view.DetachFromDisposeScope();
            _views.Add(view);
        }

        _model = new ByteGpt(shape, recipe.BatchPerRank, name => byName[name], device);
        Initialise();
    }

    /// <summary>Shape of the model.</summary>
    public ModelShape Shape { get; }

    /// <summary>How it is trained.</summary>
    public TrainingRecipe Recipe { get; }

    /// <summary>Where each named parameter lies in the flat buffers.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>Number of trainable parameters.</summary>
    public long Parameters => Layout.Parameters;

    /// <summary>Completed optimizer steps, which is also the index of the next one. With the seed it is the whole random state.</summary>
    public long Step { get; set; }

    /// <summary>Flat parameters.</summary>
    public Span<float> ParameterData => Data(_parameters);

    /// <summary>Flat gradients; the last element is the slot for the loss, so that one reduction carries both.</summary>
    public Span<float> Gradients => Data(_gradients);

    /// <summary>Flat first moment of AdamW.</summary>
    public Span<float> FirstMoment => Data(_first);

    /// <summary>Flat second moment of AdamW.</summary>
    public Span<float> SecondMoment => Data(_second);

    /// <summary>What a state transfer moves, straight from and to tensor memory: parameters, first and second moment. Valid until the replica is disposed; <see cref="Step"/> travels beside it.</summary>
    public IReadOnlyList<(nint Address, long Bytes)> StateRegions => [Region(_parameters), Region(_first), Region(_second)];

    /// <summary>Memory of the gradient buffer, loss slot included.</summary>
    public (nint Address, long Bytes) GradientRegion => Region(_gradients);

    /// <summary>Forward and backward pass over this rank's share of a step; gradients of earlier passes are discarded, parameters stay as they are.</summary>
    /// <param name="corpus">The training text.</param>
    /// <param name="step">Step, from 0; with the seed it decides data and dropout masks.</param>
    /// <param name="rank">Data-parallel rank.</param>
    /// <param name="size">Number of data-parallel ranks.</param>
    /// <returns>The local loss in nats per byte, which is also left in the loss slot.</returns>
    public float ForwardBackward(Corpus corpus, long step, int rank, int size)
    {
        ComputeThread.HoldToOneThread();
        Gradients.Clear();
        using var scope = NewDisposeScope();
        var batch = corpus.Batch(Recipe.Seed, step, rank, size, Recipe.BatchPerRank, Shape.Context);
        var loss = _model.Loss(batch, Recipe.Seed, step, rank);
        loss.backward();
        var value = loss.item<float>();
        Gradients[^1] = value;
        return value;
    }

    /// <summary>Averages the summed gradients over the group, clips their global norm, updates parameters and moments in place and counts the step. Allocates nothing.</summary>
    /// <param name="step">Step, from 0; must be the next one.</param>
    /// <param name="size">Number of ranks that were summed.</param>
    /// <exception cref="InvalidOperationException"><paramref name="step"/> is not the next step: applying it would count an update twice or leave one out.</exception>
    /// <exception cref="NonFiniteGradientException">The gradient is not finite; nothing was changed.</exception>
    public void ApplyUpdate(long step, int size)
    {
        if (step != Step)
            throw new InvalidOperationException($"Step {step} cannot be applied to a replica that has completed {Step} steps.");
        var gradients = Gradients[..^1];
        var norm = Math.Sqrt(AdamW.SquaredNorm(gradients)) / size;
        if (!double.IsFinite(norm))
            throw new NonFiniteGradientException(step, norm);
        var clip = norm > Recipe.ClipNorm ? Recipe.ClipNorm / norm : 1.0;
        AdamW.Update(Recipe, step, (float)(clip / size), Layout.DecayedLength, ParameterData, gradients, FirstMoment, SecondMoment);
        Step = step + 1;
    }

    /// <summary>Mean loss of the group, once the gradient buffer was summed over it.</summary>
    /// <param name="size">Number of ranks that were summed.</param>
    public float ReducedLoss(int size) => Gradients[^1] / size;

    /// <summary>SHA-256 over parameters, moments, completed steps and seed, lower-case hexadecimal: two replicas with equal digests go on alike for ever.</summary>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(_parameters.bytes);
        hash.AppendData(_first.bytes);
        hash.AppendData(_second.bytes);
        Span<byte> state = stackalloc byte[2 * sizeof(long)];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(state, Step);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(state[sizeof(long)..], Recipe.Seed);
        hash.AppendData(state);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>SHA-256 over the gradient buffer, loss slot included, lower-case hexadecimal.</summary>
    public string DigestOfGradients() => Convert.ToHexStringLower(SHA256.HashData(_gradients.bytes));

    /// <summary>Frees the tensors; spans and regions handed out before are then invalid.</summary>
    public void Dispose()
    {
        _model.Dispose();
        foreach (var view in _views)
            view.Dispose();
        _parameters.Dispose();
        _gradients.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    private static Tensor Flat(int length, Device device) => zeros(length, ScalarType.Float32, device).DetachFromDisposeScope();

    private static Tensor View(Tensor flat, ParameterSlot slot) => flat.narrow(0, slot.Offset, slot.Count).view([.. slot.Dimensions]);

    private static Span<float> Data(Tensor flat) => MemoryMarshal.Cast<byte, float>(flat.bytes);

    private static unsafe (nint Address, long Bytes) Region(Tensor flat)
    {
        var bytes = flat.bytes;
        return ((nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes)), bytes.Length);
    }

    private void Initialise()
    {
        for (var index = 0; index < Layout.Slots.Count; index++)
        {
            var slot = Layout.Slots[index];
            var values = ParameterData.Slice(slot.Offset, slot.Count);
            if (slot.Initial == InitialValue.One)
                values.Fill(1f);
            else if (slot.Initial == InitialValue.Random)
                FillUniform(values, (uint)index, slot.Scale * MathF.Sqrt(3f));
        }
    }

    private void FillUniform(Span<float> values, uint stream, float bound)
    {
        for (var i = 0; i < values.Length; i++)
        {
            // Uniform, not normal: no logarithm or cosine whose last bit depends on the platform.
            var (draw, _, _, _) = Philox.Draw(Recipe.Seed, RandomPurpose.InitialValues, step: 0, stream, (uint)i);
            values[i] = ((int)(draw >> 8) - (1 << 23)) * (bound / (1 << 23));
        }
    }
}
