namespace TrainMover.Training;

/// <summary>Place of one named parameter in the flat buffers of a replica.</summary>
/// <param name="Name">Name as it stands in a checkpoint, for instance <c>blocks.0.attention.qkv.weight</c>.</param>
/// <param name="Dimensions">Sizes, outermost first.</param>
/// <param name="Offset">First element in the flat buffer; a multiple of 16, so that every parameter starts on a cache line and kernels see the same alignment in every process.</param>
/// <param name="Count">Number of elements.</param>
/// <param name="Initial">How the first values are drawn.</param>
/// <param name="Scale">Standard deviation of the first values where they are drawn at random.</param>
public sealed record ParameterSlot(string Name, IReadOnlyList<long> Dimensions, int Offset, int Count, InitialValue Initial, float Scale);

/// <summary>How a parameter begins.</summary>
public enum InitialValue
{
    /// <summary>All zero (biases).</summary>
    Zero,

    /// <summary>All one (gains of layer norms).</summary>
    One,

    /// <summary>Uniform around zero with the slot's standard deviation (matrices).</summary>
    Random,
}

/// <summary>Where each parameter of a model lies in the flat buffers: matrices first (they are decayed), then vectors (they are not). A function of the shape alone.</summary>
public sealed class ParameterLayout
{
    private const int Alignment = 16;
    private readonly List<ParameterSlot> _slots = [];
    private readonly Dictionary<string, ParameterSlot> _byName = new(StringComparer.Ordinal);

    /// <summary>Lays out the parameters of a model.</summary>
    /// <param name="shape">A valid shape.</param>
    public ParameterLayout(ModelShape shape)
    {
        shape.Validate();
        const float Deviation = 0.02f;
        var residual = Deviation / MathF.Sqrt(2f * shape.Layers);
        long width = shape.Width;

        Matrix("embedding.token", ModelShape.Vocabulary, width, Deviation);
        Matrix("embedding.position", shape.Context, width, Deviation);
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            Matrix($"blocks.{layer}.attention.qkv.weight", 3 * width, width, Deviation);
            Matrix($"blocks.{layer}.attention.projection.weight", width, width, residual);
            Matrix($"blocks.{layer}.mlp.up.weight", 4 * width, width, Deviation);
            Matrix($"blocks.{layer}.mlp.down.weight", width, 4 * width, residual);
        }

        DecayedLength = FlatLength;
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            Norm($"blocks.{layer}.attention.norm", width);
            Vector($"blocks.{layer}.attention.qkv.bias", 3 * width, InitialValue.Zero);
            Vector($"blocks.{layer}.attention.projection.bias", width, InitialValue.Zero);
            Norm($"blocks.{layer}.mlp.norm", width);
            Vector($"blocks.{layer}.mlp.up.bias", 4 * width, InitialValue.Zero);
            Vector($"blocks.{layer}.mlp.down.bias", width, InitialValue.Zero);
        }

        Norm("norm", width);
    }

    /// <summary>All slots in the order of the flat buffer.</summary>
    public IReadOnlyList<ParameterSlot> Slots => _slots;

    /// <summary>Elements of a flat buffer, alignment gaps included; gaps hold zeros for ever.</summary>
    public int FlatLength { get; private set; }

    /// <summary>Leading elements of the flat buffer to which weight decay applies.</summary>
    public int DecayedLength { get; }

    /// <summary>Number of trainable parameters (gaps not counted).</summary>
    public long Parameters { get; private set; }

    /// <summary>Slot of a parameter by its name.</summary>
    /// <param name="name">Name of the parameter.</param>
    /// <exception cref="KeyNotFoundException">No parameter has this name.</exception>
    public ParameterSlot this[string name] => _byName[name];

    private void Matrix(string name, long rows, long columns, float scale) => Add(name, [rows, columns], InitialValue.Random, scale);

    private void Vector(string name, long length, InitialValue initial) => Add(name, [length], initial, 0f);

    private void Norm(string name, long width)
    {
        Vector($"{name}.gain", width, InitialValue.One);
        Vector($"{name}.bias", width, InitialValue.Zero);
    }

    private void Add(string name, long[] dimensions, InitialValue initial, float scale)
    {
        var count = checked((int)dimensions.Aggregate(1L, (product, size) => product * size));
        var slot = new ParameterSlot(name, dimensions, FlatLength, count, initial, scale);
        _slots.Add(slot);
        _byName.Add(name, slot);
        Parameters += count;
        FlatLength = checked((FlatLength + count + Alignment - 1) / Alignment * Alignment);
    }
}
