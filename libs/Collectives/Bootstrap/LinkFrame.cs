using System.Buffers.Binary;

namespace TrainMover.Collectives;

internal enum LinkFrameKind : byte
{
    Heartbeat = 0,

    /// <summary>The generation has failed; the payload names the cause.</summary>
    Failure = 1,

    /// <summary>A message among the members of a generation that is being prepared.</summary>
    Message = 2,

    /// <summary>The sender leaves the generation in order; what it still has is not lost.</summary>
    Goodbye = 3,

    /// <summary>The generation has been replaced by one that the receiver is not in.</summary>
    Removed = 4,

    /// <summary>Connections that the plan keeps, and the sender lacks: a switch failed half-way. Both ends make them anew.</summary>
    Lacking = 5,

    /// <summary>A standby has all connections with all members that its plans need: they may count on it.</summary>
    Armed = 6,
}

/// <summary>What travels on a bootstrap connection: length of the payload, kind, scope (the generation, see <see cref="Membership.Scope"/>), payload.</summary>
internal readonly record struct LinkFrame(LinkFrameKind Kind, ulong Scope, byte[] Payload)
{
    public const int HeaderBytes = 13;
    public const int LongestPayload = 64 * 1024;

    public static byte[] Encode(LinkFrameKind kind, ulong scope, ReadOnlySpan<byte> payload)
    {
        var bytes = new byte[HeaderBytes + payload.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, payload.Length);
        bytes[4] = (byte)kind;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(5), scope);
        payload.CopyTo(bytes.AsSpan(HeaderBytes));
        return bytes;
    }

    /// <summary>Takes the first frame of the bytes, when it is complete.</summary>
    /// <exception cref="IOException">These bytes are no frame.</exception>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out LinkFrame frame)
    {
        frame = default;
        if (bytes.Length < HeaderBytes)
            return false;
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (length is < 0 or > LongestPayload || bytes[4] > (byte)LinkFrameKind.Armed)
            throw new IOException("what it sent is no frame");
        if (bytes.Length < HeaderBytes + length)
            return false;
        frame = new LinkFrame((LinkFrameKind)bytes[4], BinaryPrimitives.ReadUInt64LittleEndian(bytes[5..]), bytes.Slice(HeaderBytes, length).ToArray());
        return true;
    }
}
