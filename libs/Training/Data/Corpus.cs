using System.Security.Cryptography;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>The training text as bytes.</summary>
public sealed class Corpus : ITrainingData
{
    private readonly byte[] _bytes;

    private Corpus(byte[] bytes)
    {
        _bytes = bytes;
        Digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    /// <summary>Number of bytes.</summary>
    public long Length => _bytes.Length;

    /// <summary>SHA-256 of the bytes, lower-case hexadecimal.</summary>
    public string Digest { get; }

    /// <summary>Reads a whole file (up to 2 GB) into memory.</summary>
    /// <param name="file">Path of the text.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Corpus Load(string file) => new(File.ReadAllBytes(file));

    /// <summary>A corpus of bytes at hand.</summary>
    /// <param name="bytes">The text; it is copied.</param>
    public static Corpus Of(ReadOnlySpan<byte> bytes) => new(bytes.ToArray());

    /// <summary>Where some sequences of a step begin, drawn uniformly by the counter-based generator.</summary>
    /// <inheritdoc cref="ITrainingData.Batch"/>
    /// <exception cref="ArgumentException">The corpus is not longer than one context.</exception>
    public int[] Offsets(ulong seed, long step, long firstSequence, int count, int context)
    {
        var starts = _bytes.Length - context;
        if (starts < 1)
            throw new ArgumentException($"A corpus of {_bytes.Length} bytes has no sequence of {context} bytes and a target.", nameof(context));

        var offsets = new int[count];
        for (var i = 0; i < count; i++)
        {
            var (low, high, _, _) = Philox.Draw(seed, RandomPurpose.DataOrder, step, stream: 0, block: checked((uint)(firstSequence + i)));
            offsets[i] = (int)Math.BigMul(((ulong)high << 32) | low, (ulong)starts, out _);
        }

        return offsets;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The corpus is not longer than one context.</exception>
    public TrainingBatch Batch(ulong seed, long step, long firstSequence, int count, int context)
    {
        var offsets = Offsets(seed, step, firstSequence, count, context);
        var inputs = new long[count * context];
        var targets = new long[count * context];
        for (var i = 0; i < count; i++)
        {
            for (var t = 0; t < context; t++)
            {
                inputs[i * context + t] = _bytes[offsets[i] + t];
                targets[i * context + t] = _bytes[offsets[i] + t + 1];
            }
        }

        return new TrainingBatch(tensor(inputs, [count, context]), tensor(targets, [count, context]));
    }
}
