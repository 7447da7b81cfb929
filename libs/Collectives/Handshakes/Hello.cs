namespace TrainMover.Collectives;

internal enum ConnectionPurpose : byte
{
    Bootstrap = 1,
    RingEdge = 2,
    State = 3,
    Lifeline = 4,

    /// <summary>A data connection of a plan that is held before its cause: it must not be taken for one of the plan that is carried out.</summary>
    StandingEdge = 5,
}

/// <summary>What a connection is for, beside the two machines that it is between.</summary>
/// <param name="Purpose">What travels on it.</param>
/// <param name="Group">The group of a data connection; else nothing.</param>
/// <param name="Channel">Channel of a data connection, or the stream of a state connection; else 0.</param>
/// <param name="FromRank">Rank of the dialer: of the very edge, or the lowest of its machine; -1 is a leaver, which the new topology has no place for.</param>
/// <param name="ToRank">Rank of the listener, likewise.</param>
internal readonly record struct ConnectionName(ConnectionPurpose Purpose, GroupId Group, int Channel, int FromRank, int ToRank);

/// <summary>What a dialer claims.</summary>
internal sealed record Hello(string Job, int Generation, string PlanDigest, string FromMachine, string ToMachine, ConnectionName Name)
{
    /// <summary>The generation that it is about.</summary>
    public GenerationKey Key => new(Job, Generation, Name.Purpose == ConnectionPurpose.StandingEdge);

    public byte[] Encode(ReadOnlySpan<byte> nonce)
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer);
        writer.Write(Job);
        writer.Write(Generation);
        writer.Write(PlanDigest);
        writer.Write(FromMachine);
        writer.Write(ToMachine);
        writer.Write((byte)Name.Purpose);
        writer.Write((int)Name.Group.Kind);
        writer.Write(Name.Group.First);
        writer.Write(Name.Channel);
        writer.Write(Name.FromRank);
        writer.Write(Name.ToRank);
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
                reader.ReadString(),
                reader.ReadInt32(),
                reader.ReadString(),
                reader.ReadString(),
                reader.ReadString(),
                new ConnectionName(
                    (ConnectionPurpose)reader.ReadByte(),
                    new GroupId((GroupKind)reader.ReadInt32(), reader.ReadInt32()),
                    reader.ReadInt32(),
                    reader.ReadInt32(),
                    reader.ReadInt32()));
        }
        catch (Exception garbled) when (garbled is FormatException or ArgumentException)
        {
            throw new IOException("This is no hello.", garbled);
        }
    }
}
