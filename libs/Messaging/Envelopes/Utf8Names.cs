using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace TrainMover.Messaging;

/// <summary>
/// Names that come again in message after message (machines, devices, metrics) as one string each. A name takes the place of another one of the same hash: memory is bounded whatever
/// comes in. Safe for use by several threads at once: at worst a name is made twice.
/// </summary>
internal static class Utf8Names
{
    private const int Slots = 1 << 17;
    private const int LongestName = 128;
    private static readonly string?[] Known = new string?[Slots];

    /// <summary>The string at which a reader stands.</summary>
    public static string Of(ref Utf8JsonReader reader) => reader.HasValueSequence || reader.ValueIsEscaped ? reader.GetString()! : Of(reader.ValueSpan);

    /// <summary>The text of some bytes of UTF-8, which is first compared with what it likely is.</summary>
    public static string Of(ReadOnlySpan<byte> utf8, string? likely) => likely is not null && Ascii.Equals(utf8, likely) ? likely : Of(utf8);

    /// <summary>The text of some bytes of UTF-8.</summary>
    public static string Of(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length is 0 or > LongestName) return Text(utf8);
        ref var known = ref Known[Hash(utf8) & (Slots - 1)];
        var name = known;
        if (name is not null && name.Length == utf8.Length && Ascii.Equals(utf8, name)) return name;
        name = Text(utf8);
        known = name;
        return name;
    }

    // As the reader itself does: what is no UTF-8 is no text.
    private static string Text(ReadOnlySpan<byte> utf8) => Strict.GetString(utf8);

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static uint Hash(ReadOnlySpan<byte> bytes)
    {
        const ulong Prime = 0x9E37_79B9_7F4A_7C15;
        var hash = (ulong)bytes.Length * Prime;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            hash = (hash ^ MemoryMarshal.Read<ulong>(bytes)) * Prime;
        foreach (var last in bytes)
            hash = (hash ^ last) * Prime;
        return (uint)(hash >> 40) ^ (uint)(hash >> 20);
    }
}
