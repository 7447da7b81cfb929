using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace TrainMover.Training;

/// <summary>
/// One mask per dropout site, drawn afresh for each (seed, step, rank, site, element). The tensors are made once and overwritten in place before
/// each forward pass; a kept element holds 1 / (1 - p), a dropped one 0. A mask has a multiple of 8 elements because the width is one.
/// </summary>
internal sealed class DropoutMasks : IDisposable
{
    private const int ElementsPerBlock = 8;
    private readonly Tensor[] _masks;
    private readonly uint _threshold;
    private readonly float _kept;

    public DropoutMasks(int sites, ReadOnlySpan<long> shape, float probability, Device device)
    {
        _threshold = (uint)MathF.Round(probability * 65536f);
        _kept = 65536f / (65536f - _threshold);
        _masks = _threshold == 0 ? [] : new Tensor[sites];
        for (var site = 0; site < _masks.Length; site++)
            _masks[site] = empty(shape, ScalarType.Float32, device).DetachFromDisposeScope();
    }

    public void Draw(ulong seed, long step, int rank)
    {
        for (var site = 0; site < _masks.Length; site++)
            Fill(MemoryMarshal.Cast<byte, float>(_masks[site].bytes), seed, step, ((uint)rank << 10) | (uint)site);
    }

    public Tensor Apply(int site, Tensor activations) => _masks.Length == 0 ? activations : activations * _masks[site];

    public void Dispose()
    {
        foreach (var mask in _masks)
            mask.Dispose();
    }

    private void Fill(Span<float> mask, ulong seed, long step, uint stream)
    {
        for (int start = 0, block = 0; start < mask.Length; start += ElementsPerBlock, block++)
        {
            var (a, b, c, d) = Philox.Draw(seed, RandomPurpose.Dropout, step, stream, (uint)block);
            var eight = mask.Slice(start, ElementsPerBlock);
            eight[7] = Value(d >> 16);
            eight[6] = Value(d & 0xFFFF);
            eight[5] = Value(c >> 16);
            eight[4] = Value(c & 0xFFFF);
            eight[3] = Value(b >> 16);
            eight[2] = Value(b & 0xFFFF);
            eight[1] = Value(a >> 16);
            eight[0] = Value(a & 0xFFFF);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float Value(uint draw) => draw >= _threshold ? _kept : 0f;
}
