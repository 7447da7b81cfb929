using System.Buffers.Binary;
using System.Text;

namespace TrainMover.Embedded;

/// <summary>
/// Walks over a request or an answer of the Kafka protocol, past its length: big-endian numbers, strings and byte fields with their length in front (the encoding before "flexible versions").
/// </summary>
/// <exception cref="InvalidDataException">From every member: the frame ends too early, or a length is impossible.</exception>
internal ref struct KafkaFrame(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Bytes walked over.</summary>
    public int Position { get; private set; }

    public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short)));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)));

    /// <summary>Number of elements; an array that is null has none.</summary>
    public int Count()
    {
        // Each takes a byte and more.
        var count = Int32();
        return count <= _bytes.Length - Position ? Math.Max(0, count) : throw TooShort();
    }

    public string Name() => Encoding.UTF8.GetString(Take(Math.Max((short)0, Int16())));

    /// <summary>A byte field; returns its length, 0 where it is null.</summary>
    public int SkipBytes()
    {
        var length = Math.Max(0, Int32());
        Skip(length);
        return length;
    }

    public void SkipName() => Skip(Math.Max((short)0, Int16()));

    public void Skip(int bytes) => Take(bytes);

    private ReadOnlySpan<byte> Take(int bytes)
    {
        if (bytes > _bytes.Length - Position)
            throw TooShort();
        Position += bytes;
        return _bytes.Slice(Position - bytes, bytes);
    }

    private static InvalidDataException TooShort() => new("A frame of the Kafka protocol is shorter than it says.");
}
