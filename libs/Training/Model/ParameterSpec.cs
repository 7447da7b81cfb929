namespace TrainMover.Training;

/// <summary>How tensor parallelism divides a parameter (Megatron-LM).</summary>
public enum SplitRule
{
    /// <summary>Every rank of the tensor-parallel group holds it whole (embeddings, norms, biases of row-parallel matrices).</summary>
    Whole,

    /// <summary>Each rank holds a share of the first dimension, of every section alike: a column-parallel matrix, whose outputs are divided, and its bias.</summary>
    FirstDimension,

    /// <summary>Each rank holds a share of the last dimension: a row-parallel matrix, whose inputs are divided.</summary>
    LastDimension,
}

/// <summary>How a parameter begins.</summary>
public enum InitialValue
{
    /// <summary>All zero (biases).</summary>
    Zero,

    /// <summary>All one (gains of layer norms).</summary>
    One,

    /// <summary>Uniform around zero with the spec's standard deviation (matrices).</summary>
    Random,
}

/// <summary>One named parameter of a whole model. First values are a function of seed, name and element, so every layout starts from the same model.</summary>
/// <param name="Name">Unique name as it stands in a checkpoint, for instance <c>blocks.0.attention.qkv.weight</c>.</param>
/// <param name="Layer">Layer that uses it: -1 for the input side, 0 on for the layers, the number of layers for the output side.</param>
/// <param name="Dimensions">Sizes in the whole model, outermost first. Weight decay applies to everything that has more than one.</param>
public sealed record ParameterSpec(string Name, int Layer, params IReadOnlyList<long> Dimensions)
{
    /// <summary>How tensor parallelism divides it; whole by default.</summary>
    public SplitRule Split { get; init; } = SplitRule.Whole;

    /// <summary>Equal blocks of the first dimension that are divided one by one, such as query, key and value in one matrix; 1 by default.</summary>
    public int Sections { get; init; } = 1;

    /// <summary>How the first values are drawn; at random by default.</summary>
    public InitialValue Initial { get; init; } = InitialValue.Random;

    /// <summary>Standard deviation of first values that are drawn at random; 0.02 by default.</summary>
    public float Deviation { get; init; } = 0.02f;

    /// <summary>The last stage uses it too, although it belongs to the input side: a token embedding that is also the output layer.</summary>
    public bool Tied { get; init; }

    /// <summary>Whether weight decay applies.</summary>
    public bool Decayed => Dimensions.Count > 1;

    /// <summary>Sizes of the part that one of <paramref name="degree"/> tensor-parallel ranks holds.</summary>
    /// <exception cref="ArgumentException">The dimension cannot be divided so.</exception>
    internal long[] PartDimensions(int degree)
    {
        long[] part = [.. Dimensions];
        if (degree == 1 || Split == SplitRule.Whole)
            return part;
        var axis = Split == SplitRule.FirstDimension ? 0 : part.Length - 1;
        var sections = axis == 0 ? Sections : 1;
        if (part[axis] % ((long)sections * degree) != 0)
            throw new ArgumentException($"Parameter {Name} has {part[axis]} in dimension {axis}, which {degree} tensor-parallel ranks cannot share in {sections} equal sections.", nameof(degree));
        part[axis] /= degree;
        return part;
    }

    /// <summary>The part of one tensor-parallel rank as runs of neighbouring elements: where each begins in the whole parameter, in the order of the part.</summary>
    internal IEnumerable<(long Whole, int Count)> RunsOf(int index, int degree)
    {
        var elements = Dimensions.Aggregate(1L, (product, size) => product * size);
        var sections = 1L;
        if (degree > 1 && Split == SplitRule.FirstDimension)
            sections = Sections;
        else if (degree > 1 && Split == SplitRule.LastDimension)
            sections = elements / Dimensions[^1];
        var divisor = Split == SplitRule.Whole ? 1 : degree;
        var section = elements / sections;
        var run = section / divisor;
        var first = divisor == 1 ? 0 : run * index;
        for (var start = first; start < elements; start += section)
            yield return (start, checked((int)run));
    }
}
