using System.Buffers.Binary;
using System.Security.Cryptography;

namespace TrainMover.Collectives;

/// <summary>
/// Both ends prove that they hold the key of the topology, each over a nonce of the other: hello, welcome, confirm, ready. Whatever is wrong is an <see cref="IOException"/>, and the
/// socket is closed.
/// </summary>
internal static class Handshake
{
    public const int ProofBytes = 32;
    public const int WelcomeBytes = NonceBytes + ProofBytes;

    /// <summary>What a hello begins with: magic and length of the payload.</summary>
    public const int StartBytes = 6;

    private const uint Magic = 0x48534D54;
    private const int NonceBytes = 16;
    private const int LongestHello = 1024;

    /// <summary>The listener's last word.</summary>
    public static ReadOnlySpan<byte> Ready => [0x06];

    public static byte[] Payload(Hello hello) => hello.Encode(RandomNumberGenerator.GetBytes(NonceBytes));

    public static byte[] HelloOf(byte[] payload, byte[] key)
    {
        var message = new byte[StartBytes + payload.Length + ProofBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(message, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), (ushort)payload.Length);
        payload.CopyTo(message, StartBytes);
        Proof(key, "hello"u8, payload, []).CopyTo(message, StartBytes + payload.Length);
        return message;
    }

    /// <summary>Length of the payload that follows the start of a hello.</summary>
    public static int PayloadBytes(ReadOnlySpan<byte> start)
    {
        var length = BinaryPrimitives.ReadUInt16LittleEndian(start[4..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(start) != Magic || length is < NonceBytes or > LongestHello)
            throw new IOException("This is no hello.");
        return length;
    }

    /// <summary>The listener's answer to a hello that proves the key, and what the dialer has to confirm it with.</summary>
    public static (byte[] Welcome, byte[] Confirm) Answer(byte[] payload, ReadOnlySpan<byte> proof, byte[] key)
    {
        Expect(proof, Proof(key, "hello"u8, payload, []));
        var nonce = RandomNumberGenerator.GetBytes(NonceBytes);
        return ([.. nonce, .. Proof(key, "welcome"u8, payload, nonce)], Proof(key, "confirm"u8, payload, nonce));
    }

    /// <summary>The dialer's answer to a welcome.</summary>
    public static byte[] Confirm(byte[] payload, ReadOnlySpan<byte> welcome, byte[] key)
    {
        var nonce = welcome[..NonceBytes].ToArray();
        Expect(welcome[NonceBytes..], Proof(key, "welcome"u8, payload, nonce));
        return Proof(key, "confirm"u8, payload, nonce);
    }

    public static void Expect(ReadOnlySpan<byte> proof, byte[] expected)
    {
        if (!CryptographicOperations.FixedTimeEquals(proof, expected))
            throw new IOException("The peer does not hold the key.");
    }

    private static byte[] Proof(byte[] key, ReadOnlySpan<byte> step, byte[] payload, byte[] nonce) =>
        HMACSHA256.HashData(key, (byte[])[.. step, .. payload, .. nonce]);
}
