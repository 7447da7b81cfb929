using System.Security.Cryptography;
using TorchSharp;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>Inputs and next-byte targets of one rank's share of a step; the caller disposes it (or its dispose scope does).</summary>
/// <param name="Inputs">Int64 tensor [batch, context].</param>
/// <param name="Targets">Int64 tensor [batch, context]: the inputs moved on by one byte.</param>
public readonly record struct TrainingBatch(Tensor Inputs, Tensor Targets) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
    }
}

/// <summary>The training text as bytes. Which bytes a rank sees in a step is a pure function of seed, step and rank, so any machine in a role sees the same data.</summary>
public sealed class Corpus
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

    /// <summary>Where the sequences of one rank begin in a step, drawn uniformly by the counter-based generator.</summary>
    /// <param name="seed">Seed of the job.</param>
    /// <param name="step">Step, from 0.</param>
    /// <param name="rank">Data-parallel rank.</param>
    /// <param name="size">Number of data-parallel ranks.</param>
    /// <param name="batch">Sequences per rank.</param>
    /// <param name="context">Length of a sequence in bytes.</param>
    /// <exception cref="ArgumentException">The rank is not in the group, or the corpus is not longer than one context.</exception>
    public int[] Offsets(ulong seed, long step, int rank, int size, int batch, int context)
    {
        if (rank < 0 || rank >= size)
            throw new ArgumentException($"Rank {rank} is not in a group of {size}.", nameof(rank));
        var starts = _bytes.Length - context;
        if (starts < 1)
            throw new ArgumentException($"A corpus of {_bytes.Length} bytes has no sequence of {context} bytes and a target.", nameof(context));

        var offsets = new int[batch];
        for (var i = 0; i < batch; i++)
        {
            var (low, high, _, _) = Philox.Draw(seed, RandomPurpose.DataOrder, step, stream: 0, block: (uint)(rank * batch + i));
            offsets[i] = (int)Math.BigMul(((ulong)high << 32) | low, (ulong)starts, out _);
        }

        return offsets;
    }

    /// <summary>One rank's share of a step.</summary>
    /// <inheritdoc cref="Offsets"/>
    public TrainingBatch Batch(ulong seed, long step, int rank, int size, int batch, int context)
    {
        var offsets = Offsets(seed, step, rank, size, batch, context);
        var inputs = new long[batch * context];
        var targets = new long[batch * context];
        for (var i = 0; i < batch; i++)
        {
            for (var t = 0; t < context; t++)
            {
                inputs[i * context + t] = _bytes[offsets[i] + t];
                targets[i * context + t] = _bytes[offsets[i] + t + 1];
            }
        }

        return new TrainingBatch(tensor(inputs, [batch, context]), tensor(targets, [batch, context]));
    }
}
