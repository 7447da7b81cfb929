using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>Place of one named parameter, or of this rank's part of it, in the flat buffers of a replica.</summary>
/// <param name="Spec">The parameter in the whole model.</param>
/// <param name="Dimensions">Sizes of this rank's part, outermost first.</param>
/// <param name="Offset">First element in the flat buffer; a multiple of 16, so that every parameter starts on a cache line and kernels see the same alignment in every process.</param>
/// <param name="Count">Number of elements.</param>
/// <param name="Counted">Whether this rank counts it in the global norm: of several equal copies in one model, one does.</param>
public sealed record ParameterSlot(ParameterSpec Spec, IReadOnlyList<long> Dimensions, int Offset, int Count, bool Counted)
{
    /// <summary>Name as it stands in a checkpoint.</summary>
    public string Name => Spec.Name;
}

/// <summary>
/// Where each parameter of a rank lies in its flat buffers. Follows from model, layout and position: what the first and the last stage share comes first, then what
/// backward finishes last, so that gradients become final from the end of the buffer to its beginning.
/// </summary>
public sealed class ParameterLayout
{
    private const int Alignment = 16;
    private readonly List<ParameterSlot> _slots = [];
    private readonly Dictionary<string, ParameterSlot> _byName = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, int> _layerStarts = [];

    /// <summary>Lays out the whole byte-level GPT.</summary>
    /// <param name="shape">A valid shape.</param>
    public ParameterLayout(ModelShape shape)
        : this(new ByteGpt(shape), new ParallelLayout(1), default)
    {
    }

    /// <summary>Lays out the part of a model that belongs to one rank.</summary>
    /// <param name="model">The whole model.</param>
    /// <param name="layout">Degrees of parallelism.</param>
    /// <param name="position">Where the rank stands; its data-parallel coordinate does not matter.</param>
    /// <exception cref="ArgumentException">The model cannot be divided so.</exception>
    public ParameterLayout(IModel model, ParallelLayout layout, RankPosition position)
    {
        ArgumentNullException.ThrowIfNull(model);
        layout.Validate();
        model.Validate(layout);
        Stage = StageLayers.Of(model, layout, position.Pp);
        TensorIndex = position.Tp;
        TensorDegree = layout.Tp;

        var shared = layout.Pp > 1 && (Stage.IsFirst || Stage.IsLast);
        foreach (var spec in model.Parameters.Where(spec => spec.Tied && (Stage.IsFirst || Stage.IsLast)))
            Add(spec, counted: Stage.IsFirst);
        SharedLength = shared ? FlatLength : 0;
        foreach (var spec in model.Parameters.Where(spec => !spec.Tied && Stage.Holds(spec.Layer)).OrderBy(spec => spec.Layer).ThenBy(spec => !spec.Decayed))
        {
            _layerStarts.TryAdd(spec.Layer, FlatLength);
            Add(spec, counted: true);
        }
    }

    /// <summary>The layers of this rank's stage.</summary>
    public StageLayers Stage { get; }

    /// <summary>Tensor-parallel coordinate.</summary>
    public int TensorIndex { get; }

    /// <summary>Tensor-parallel degree.</summary>
    public int TensorDegree { get; }

    /// <summary>All slots in the order of the flat buffer.</summary>
    public IReadOnlyList<ParameterSlot> Slots => _slots;

    /// <summary>Elements of a flat buffer, alignment gaps included; gaps hold zeros for ever.</summary>
    public int FlatLength { get; private set; }

    /// <summary>Leading elements that the first and the last stage both hold, in equal places; 0 in any other stage and without a pipeline.</summary>
    public int SharedLength { get; }

    /// <summary>Number of trainable parameters that this rank holds (gaps not counted).</summary>
    public long Parameters { get; private set; }

    /// <summary>Slot of a parameter by its name.</summary>
    /// <param name="name">Name of the parameter.</param>
    /// <exception cref="KeyNotFoundException">This rank holds no parameter of this name.</exception>
    public ParameterSlot this[string name] => _byName[name];

    /// <summary>First element of the parameters of a layer and of everything that backward finishes before them.</summary>
    internal int StartOf(int layer)
    {
        foreach (var (other, start) in _layerStarts)
        {
            if (other >= layer)
                return start;
        }

        return FlatLength;
    }

    private void Add(ParameterSpec spec, bool counted)
    {
        var dimensions = spec.PartDimensions(TensorDegree);
        var count = checked((int)dimensions.Aggregate(1L, (product, size) => product * size));
        var copies = TensorDegree > 1 && spec.Split == SplitRule.Whole;
        var slot = new ParameterSlot(spec, dimensions, FlatLength, count, counted && (!copies || TensorIndex == 0));
        _slots.Add(slot);
        if (!_byName.TryAdd(spec.Name, slot))
            throw new ArgumentException($"Two parameters have the name {spec.Name}.", nameof(spec));
        Parameters += count;
        FlatLength = checked((FlatLength + count + Alignment - 1) / Alignment * Alignment);
    }
}
