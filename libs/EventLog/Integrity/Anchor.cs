using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace TrainMover.EventLog;

/// <summary>What an anchor keeps of one event: enough to name it when it is gone.</summary>
internal sealed record AnchorLeaf(long Sequence, string Stream, long Version, Guid Id, string Hash)
{
    public byte[] Digest() => Merkle.Leaf(Encoding.UTF8.GetBytes($"{Sequence}|{Stream}|{Version}|{Id:D}|{Hash}"));
}

/// <summary>
/// A batch of the log under one Merkle root, chained to the anchor before it. The range runs from the end of the previous anchor: numbers in it without a
/// leaf belong to rolled-back appends, so an event that turns up there later was inserted.
/// </summary>
internal sealed record Anchor(
    long Number, long From, long To, int Count, IReadOnlyList<AnchorLeaf> Leaves, string Root, string Previous, DateTimeOffset WrittenAt, string Hash)
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static Anchor Over(Anchor? previous, IReadOnlyList<AnchorLeaf> leaves, DateTimeOffset writtenAt)
    {
        var anchor = new Anchor(
            (previous?.Number ?? 0) + 1, (previous?.To ?? 0) + 1, leaves[^1].Sequence, leaves.Count, leaves,
            Merkle.Root(leaves), previous?.Hash ?? "", EventHash.ToMicroseconds(writtenAt), "");
        return anchor with { Hash = anchor.ComputeHash() };
    }

    /// <summary>Whether root and hash are those of the content.</summary>
    public bool IsConsistent => Leaves.Count == Count && Count > 0 && Root == Merkle.Root(Leaves) && Hash == ComputeHash();

    public bool Follows(Anchor? previous) => Number == (previous?.Number ?? 0) + 1 && From == (previous?.To ?? 0) + 1 && Previous == (previous?.Hash ?? "");

    public string ToLine() => JsonSerializer.Serialize(this, Json);

    public static Anchor? FromLine(string line)
    {
        try
        {
            var anchor = JsonSerializer.Deserialize<Anchor>(line, Json);
            return anchor is { Leaves: not null, Root: not null, Previous: not null, Hash: not null } && anchor.Leaves.All(leaf => leaf is not null) ? anchor : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private string ComputeHash() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        $"{Number}|{From}|{To}|{Count}|{Root}|{Previous}|{WrittenAt.UtcTicks}")));
}

/// <summary>Merkle tree in the manner of RFC 6962: leaves and nodes are hashed with different prefixes.</summary>
internal static class Merkle
{
    public static byte[] Leaf(byte[] content) => SHA256.HashData([0, .. content]);

    public static string Root(IReadOnlyList<AnchorLeaf> leaves)
    {
        var level = leaves.Select(leaf => leaf.Digest()).ToList();
        while (level.Count > 1)
            level = [.. level.Chunk(2).Select(pair => pair.Length == 1 ? pair[0] : SHA256.HashData([1, .. pair[0], .. pair[1]]))];
        return level.Count == 0 ? "" : Convert.ToHexStringLower(level[0]);
    }
}
