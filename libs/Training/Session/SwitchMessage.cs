using System.Buffers.Binary;

namespace TrainMover.Training.Session;

/// <summary>Kinds of message that members exchange during a switch, over the bootstrap connections.</summary>
internal enum SwitchMessageKind : byte
{
    /// <summary>A survivor tells the others what one of its ranks knows of the failed step.</summary>
    Report = 1,

    /// <summary>To a joiner: state as of this boundary follows on a connection of its own.</summary>
    Boundary = 2,

    /// <summary>From a joiner: it holds the state as of this boundary; switch when all joiners do.</summary>
    StateHeld = 3,

    /// <summary>The sender is prepared for the switch without the leaver.</summary>
    Ready = 4,
}

/// <summary>A message of the switch: 40 bytes, little endian.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Generation">Generation that is switched to.</param>
/// <param name="Step">Completed steps: the sender's own, or the boundary's.</param>
/// <param name="Totals">What the commit of the last of these steps came to, with which a rank that lags rolls forward; null where the sender did not see it.</param>
/// <param name="Rank">Report only: the rank that is reported.</param>
/// <param name="EnteredCommit">Report only: the commit of the next step was entered.</param>
/// <param name="AgreedGeneration">Report only: generation whose switch was seen agreed.</param>
/// <param name="Source">Boundary and state held: from where the state comes.</param>
/// <param name="Followed">Boundary: the joiner has followed the sender, and only what it has not yet applied of the last steps is under way to it. Report: it follows the sender and has caught up.</param>
/// <param name="AwaitsParameters">Boundary of a leaver: it has not got all parameters of the last step, and so neither has the joiner.</param>
internal readonly record struct SwitchMessage(
    SwitchMessageKind Kind, int Generation, long Step, StepTotals? Totals, int Rank = 0, bool EnteredCommit = false, int AgreedGeneration = 0,
    SessionStateSource Source = SessionStateSource.Leaver, bool Followed = false, bool AwaitsParameters = false)
{
    private const int Length = 40;

    public byte[] Encode()
    {
        var bytes = new byte[Length];
        bytes[0] = (byte)Kind;
        bytes[1] = EnteredCommit ? (byte)1 : (byte)0;
        bytes[2] = (byte)Source;
        bytes[3] = Followed ? (byte)1 : (byte)0;
        bytes[36] = AwaitsParameters ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), Generation);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Step);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(16), Totals?.Norm ?? double.NaN);
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(24), Totals?.Loss ?? float.NaN);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(28), Rank);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(32), AgreedGeneration);
        return bytes;
    }

    /// <summary>Reads a message; null when it is not one (wrong length, kind or source).</summary>
    public static SwitchMessage? Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length || bytes[0] is < (byte)SwitchMessageKind.Report or > (byte)SwitchMessageKind.Ready || bytes[2] > (byte)SessionStateSource.Checkpoint)
            return null;
        var norm = BinaryPrimitives.ReadDoubleLittleEndian(bytes[16..]);
        return new SwitchMessage(
            (SwitchMessageKind)bytes[0],
            BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
            double.IsNaN(norm) ? null : new StepTotals(norm, BinaryPrimitives.ReadSingleLittleEndian(bytes[24..])),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[28..]),
            bytes[1] == 1,
            BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]),
            (SessionStateSource)bytes[2],
            bytes[3] == 1,
            bytes[36] == 1);
    }
}
