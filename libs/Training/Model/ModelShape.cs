namespace TrainMover.Training;

/// <summary>Shape of the byte-level GPT: vocabulary of 256 byte values, pre-norm blocks, output layer tied to the embedding. The default has a little over one million parameters.</summary>
/// <param name="Layers">Transformer blocks, 1 to 96.</param>
/// <param name="Width">Embedding width, a multiple of <paramref name="Heads"/> and of 16 (parameters then start on cache lines).</param>
/// <param name="Heads">Attention heads, at least 1.</param>
/// <param name="Context">Bytes that the model sees at once, 2 to 8192.</param>
/// <param name="Dropout">Dropout probability after the embedding and on both residual branches; 0 (inclusive) to 1 (exclusive), applied in steps of 1/65536.</param>
public sealed record ModelShape(int Layers = 5, int Width = 128, int Heads = 4, int Context = 64, float Dropout = 0.1f)
{
    /// <summary>Number of different tokens: one per byte value.</summary>
    public const int Vocabulary = 256;

    /// <summary>Checks every value against its range.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    public void Validate()
    {
        Require(nameof(Layers), Layers is >= 1 and <= 96, $"layers must be 1 to 96, not {Layers}");
        Require(nameof(Heads), Heads >= 1, $"heads must be at least 1, not {Heads}");
        Require(nameof(Width), Width >= 16 && Width % 16 == 0 && Width % Heads == 0, $"width must be a multiple of 16 and of the {Heads} heads, not {Width}");
        Require(nameof(Context), Context is >= 2 and <= 8192, $"context must be 2 to 8192 bytes, not {Context}");
        Require(nameof(Dropout), Dropout is >= 0f and < 1f, $"dropout must be in [0, 1), not {Dropout}");
    }

    private static void Require(string name, bool holds, string rule)
    {
        if (!holds)
            throw new ArgumentException($"Model shape: {rule}.", name);
    }
}
