using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// One mask per dropout site, drawn afresh for each (seed, step, sequence, site, element). The tensors are made once and overwritten in place before
/// each forward pass; a kept element holds 1 / (1 - p), a dropped one 0.
/// </summary>
internal sealed class DropoutMasks(int batch, Device device) : IDisposable
{
    private const int ElementsPerBlock = 8;
    private const int SiteBits = 10;
    private readonly List<Mask> _masks = [];

    private sealed record Mask(Tensor Values, uint Site, uint Threshold, float Kept);

    public Func<Tensor, Tensor> Add(int site, float probability, ReadOnlySpan<long> shape)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(site);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(site, 1 << SiteBits);
        var threshold = (uint)MathF.Round(probability * 65536f);
        if (threshold == 0)
            return activations => activations;

        var values = empty([batch, .. shape], ScalarType.Float32, device).DetachFromDisposeScope();
        if (values.NumberOfElements / batch % ElementsPerBlock != 0)
            throw new ArgumentException($"Dropout site {site} has a number of elements per sequence that is no multiple of {ElementsPerBlock}.", nameof(shape));
        _masks.Add(new Mask(values, (uint)site, threshold, 65536f / (65536f - threshold)));
        return activations => activations * values;
    }

    public void Draw(ulong seed, long step, long firstSequence)
    {
        foreach (var mask in _masks)
        {
            var values = MemoryMarshal.Cast<byte, float>(mask.Values.bytes);
            var perSequence = values.Length / batch;
            for (var sequence = 0; sequence < batch; sequence++)
            {
                var stream = checked((uint)((firstSequence + sequence) << SiteBits)) | mask.Site;
                Fill(values.Slice(sequence * perSequence, perSequence), mask, seed, step, stream);
            }
        }
    }

    public void Dispose()
    {
        foreach (var mask in _masks)
            mask.Values.Dispose();
    }

    private static void Fill(Span<float> values, Mask mask, ulong seed, long step, uint stream)
    {
        var (threshold, kept) = (mask.Threshold, mask.Kept);
        for (int start = 0, block = 0; start < values.Length; start += ElementsPerBlock, block++)
        {
            var (a, b, c, d) = Philox.Draw(seed, RandomPurpose.Dropout, step, stream, (uint)block);
            var eight = values.Slice(start, ElementsPerBlock);
            eight[7] = Value(d >> 16, threshold, kept);
            eight[6] = Value(d & 0xFFFF, threshold, kept);
            eight[5] = Value(c >> 16, threshold, kept);
            eight[4] = Value(c & 0xFFFF, threshold, kept);
            eight[3] = Value(b >> 16, threshold, kept);
            eight[2] = Value(b & 0xFFFF, threshold, kept);
            eight[1] = Value(a >> 16, threshold, kept);
            eight[0] = Value(a & 0xFFFF, threshold, kept);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Value(uint draw, uint threshold, float kept) => draw >= threshold ? kept : 0f;
}
