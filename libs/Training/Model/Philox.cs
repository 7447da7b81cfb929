using System.Runtime.CompilerServices;

namespace TrainMover.Training;

/// <summary>What a stream of random numbers is for; streams of different purposes never meet.</summary>
internal enum RandomPurpose : uint
{
    InitialValues = 1,
    DataOrder = 2,
    Dropout = 3,
}

/// <summary>
/// Philox 4x32 with ten rounds (Salmon et al., SC '11): 128 random bits as a pure function of a 64-bit key and a 128-bit counter.
/// Nothing is carried from one draw to the next, so the random state of a step is just (seed, step).
/// </summary>
internal static class Philox
{
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>One block: the counter names seed, purpose, step (below 2^56), stream within the step and block within the stream.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (uint A, uint B, uint C, uint D) Draw(ulong seed, RandomPurpose purpose, long step, uint stream, uint block) =>
        Block((uint)seed, (uint)(seed >> 32), block, stream, (uint)step, (uint)(step >> 32) | ((uint)purpose << 24));

    /// <summary>The bare function, as its authors define it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (uint A, uint B, uint C, uint D) Block(uint key0, uint key1, uint a, uint b, uint c, uint d)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var left = (ulong)Multiplier0 * a;
            var right = (ulong)Multiplier1 * c;
            (a, b, c, d) = ((uint)(right >> 32) ^ b ^ key0, (uint)right, (uint)(left >> 32) ^ d ^ key1, (uint)left);
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return (a, b, c, d);
    }
}
