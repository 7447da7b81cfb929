using System.Buffers.Binary;

namespace TrainMover.Training.Session;

/// <summary>Kinds of message that members exchange during a switch, over the bootstrap connections.</summary>
internal enum SwitchMessageKind : byte
{
    /// <summary>A survivor tells the others what it knows of the failed step.</summary>
    Report = 1,

    /// <summary>To a joiner: state as of this boundary follows on a connection of its own.</summary>
    Boundary = 2,

    /// <summary>From a joiner: it holds the state as of this boundary; switch now.</summary>
    StateHeld = 3,
}

/// <summary>A message of the switch: 24 bytes, little endian.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Generation">Generation that is switched to.</param>
/// <param name="Step">Completed steps: the sender's own, or the boundary's.</param>
/// <param name="EnteredCommit">Report only: the commit of the next step was entered.</param>
/// <param name="AgreedGeneration">Report only: generation whose switch was seen agreed.</param>
internal readonly record struct SwitchMessage(SwitchMessageKind Kind, int Generation, long Step, bool EnteredCommit = false, int AgreedGeneration = 0)
{
    private const int Length = 24;

    public byte[] Encode()
    {
        var bytes = new byte[Length];
        bytes[0] = (byte)Kind;
        bytes[1] = EnteredCommit ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), Generation);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Step);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), AgreedGeneration);
        return bytes;
    }

    /// <summary>Reads a message; null when it is not one (wrong length or kind).</summary>
    public static SwitchMessage? Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length || bytes[0] is < (byte)SwitchMessageKind.Report or > (byte)SwitchMessageKind.StateHeld)
            return null;
        return new SwitchMessage(
            (SwitchMessageKind)bytes[0],
            BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
            bytes[1] == 1,
            BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]));
    }
}
