using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace TrainMover.Collectives;

/// <summary>
/// Both ends prove that they hold the key of the topology, each over a nonce of the other: hello, welcome, confirm, ready. Whatever is wrong ends in an
/// <see cref="IOException"/> or a <see cref="TimeoutException"/>, and the caller closes the socket.
/// </summary>
internal static class Handshake
{
    private const uint Magic = 0x48534D54;
    private const int NonceBytes = 16;
    private const int ProofBytes = 32;
    private const int LongestHello = 1024;
    private const byte Ready = 0x06;

    /// <summary>The dialer's side.</summary>
    public static void Introduce(Socket socket, Hello hello, byte[] key, TimeSpan patience)
    {
        var payload = hello.Encode(RandomNumberGenerator.GetBytes(NonceBytes));
        var message = new byte[6 + payload.Length + ProofBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(message, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), (ushort)payload.Length);
        payload.CopyTo(message, 6);
        Proof(key, "hello"u8, payload, []).CopyTo(message, 6 + payload.Length);
        Wire.Send(socket, message, patience);

        var welcome = new byte[NonceBytes + ProofBytes];
        Wire.Receive(socket, welcome, patience);
        var nonce = welcome[..NonceBytes];
        Expect(welcome.AsSpan(NonceBytes), Proof(key, "welcome"u8, payload, nonce));

        Wire.Send(socket, Proof(key, "confirm"u8, payload, nonce), patience);
        Span<byte> ready = stackalloc byte[1];
        Wire.Receive(socket, ready, patience);
        if (ready[0] != Ready)
            throw new IOException("The peer did not take the connection.");
    }

    /// <summary>The listener's first half: what the dialer claims, not yet proven.</summary>
    public static (Hello Hello, byte[] Payload, byte[] Proof) ReadHello(Socket socket, TimeSpan patience)
    {
        var start = new byte[6];
        Wire.Receive(socket, start, patience);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(4));
        if (BinaryPrimitives.ReadUInt32LittleEndian(start) != Magic || length is < NonceBytes or > LongestHello)
            throw new IOException("This is no hello.");
        var payload = new byte[length];
        Wire.Receive(socket, payload, patience);
        var proof = new byte[ProofBytes];
        Wire.Receive(socket, proof, patience);
        return (Hello.Decode(payload), payload, proof);
    }

    /// <summary>The listener's second half. On return the dialer has proven that it holds the key, now; only <see cref="Finish"/> is left.</summary>
    public static void Answer(Socket socket, byte[] payload, byte[] proof, byte[] key, TimeSpan patience)
    {
        Expect(proof, Proof(key, "hello"u8, payload, []));
        var nonce = RandomNumberGenerator.GetBytes(NonceBytes);
        Wire.Send(socket, (byte[])[.. nonce, .. Proof(key, "welcome"u8, payload, nonce)], patience);
        var confirm = new byte[ProofBytes];
        Wire.Receive(socket, confirm, patience);
        Expect(confirm, Proof(key, "confirm"u8, payload, nonce));
    }

    public static void Finish(Socket socket, TimeSpan patience) => Wire.Send(socket, [Ready], patience);

    private static byte[] Proof(byte[] key, ReadOnlySpan<byte> step, byte[] payload, byte[] nonce) =>
        HMACSHA256.HashData(key, (byte[])[.. step, .. payload, .. nonce]);

    private static void Expect(ReadOnlySpan<byte> proof, byte[] expected)
    {
        if (!CryptographicOperations.FixedTimeEquals(proof, expected))
            throw new IOException("The peer does not hold the key.");
    }
}
