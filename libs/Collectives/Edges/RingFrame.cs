using System.Runtime.InteropServices;

namespace TrainMover.Collectives;

internal enum RingFrameKind : ushort
{
    AllReduceSum = 1,
    AllReduceMin = 2,
    AllReduceMax = 3,
    AllGather = 4,
    Broadcast = 5,
    Barrier = 6,

    /// <summary>Marks where a new generation begins on a connection that it keeps.</summary>
    Resync = 7,

    ReduceScatter = 8,
    Shift = 9,
}

/// <summary>Stands before the bytes of each call on each edge, so that ranks which disagree about a call meet an error and not wrong numbers.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RingFrame
{
    public const int Bytes = 32;
    public const uint ExpectedMagic = 0x31464D54;

    public uint Magic;
    public int Generation;
    public ulong Sequence;
    public RingFrameKind Kind;

    /// <summary>The writer's memory is read where it lies: the reader says when it has all of it, with <see cref="Receipt"/>, on the same connection.</summary>
    public ushort AsksForReceipt;
    public int Root;
    public long Length;

    public static RingFrame Mark(int generation) => new() { Magic = ExpectedMagic, Generation = generation, Kind = RingFrameKind.Resync };

    public readonly bool IsReduction => Kind is RingFrameKind.AllReduceSum or RingFrameKind.AllReduceMin or RingFrameKind.AllReduceMax or RingFrameKind.ReduceScatter;

    /// <summary>Names this frame among all of a connection.</summary>
    public readonly ulong Receipt => ((ulong)(uint)Generation << 32) | (uint)Sequence;

    public readonly override string ToString() => $"{Kind} number {Sequence} of generation {Generation}, {Length} bytes, root {Root}";
}
