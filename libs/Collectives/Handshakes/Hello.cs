namespace TrainMover.Collectives;

internal enum ConnectionPurpose : byte
{
    Bootstrap = 1,
    RingEdge = 2,
    State = 3,
}

/// <summary>What a dialer claims. A rank of -1 is a leaver, which the new topology has no place for.</summary>
internal sealed record Hello(
    ConnectionPurpose Purpose,
    string Job,
    int Generation,
    string PlanDigest,
    int FromRank,
    string FromMachine,
    int ToRank,
    string ToMachine)
{
    public byte[] Encode(ReadOnlySpan<byte> nonce)
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer);
        writer.Write((byte)Purpose);
        writer.Write(Job);
        writer.Write(Generation);
        writer.Write(PlanDigest);
        writer.Write(FromRank);
        writer.Write(FromMachine);
        writer.Write(ToRank);
        writer.Write(ToMachine);
        writer.Write(nonce);
        return buffer.ToArray();
    }

    /// <exception cref="IOException">These bytes are no hello.</exception>
    public static Hello Decode(byte[] payload)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(payload));
            return new Hello(
                (ConnectionPurpose)reader.ReadByte(),
                reader.ReadString(),
                reader.ReadInt32(),
                reader.ReadString(),
                reader.ReadInt32(),
                reader.ReadString(),
                reader.ReadInt32(),
                reader.ReadString());
        }
        catch (Exception garbled) when (garbled is FormatException or ArgumentException)
        {
            throw new IOException("This is no hello.", garbled);
        }
    }
}
