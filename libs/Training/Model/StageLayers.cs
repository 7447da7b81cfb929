using TrainMover.Collectives;

namespace TrainMover.Training;

/// <summary>Layers of one pipeline stage: neighbours, and as many as in every other stage, give or take one.</summary>
/// <param name="First">First layer, from 0.</param>
/// <param name="Count">Number of layers, at least 1.</param>
/// <param name="Total">Layers of the whole model.</param>
public readonly record struct StageLayers(int First, int Count, int Total)
{
    /// <summary>The stage begins with the input side of the model.</summary>
    public bool IsFirst => First == 0;

    /// <summary>The stage ends with the output side of the model.</summary>
    public bool IsLast => First + Count == Total;

    /// <summary>The layers of a stage.</summary>
    /// <exception cref="ArgumentException">There are more stages than layers, or the stage is not among them.</exception>
    public static StageLayers Of(IModel model, ParallelLayout layout, int stage)
    {
        if (layout.Pp > model.Layers)
            throw new ArgumentException($"{model.Layers} layers cannot be divided among {layout.Pp} stages.", nameof(layout));
        if (stage < 0 || stage >= layout.Pp)
            throw new ArgumentException($"There is no stage {stage} among {layout.Pp}.", nameof(stage));
        var first = (int)((long)model.Layers * stage / layout.Pp);
        return new StageLayers(first, (int)((long)model.Layers * (stage + 1) / layout.Pp) - first, model.Layers);
    }

    /// <summary>Whether a parameter of this layer belongs here; layer -1 is the input side, layer <see cref="Total"/> the output side.</summary>
    /// <param name="layer">Layer.</param>
    public bool Holds(int layer) => (layer >= First && layer < First + Count) || (layer < 0 && IsFirst) || (layer >= Total && IsLast);
}
