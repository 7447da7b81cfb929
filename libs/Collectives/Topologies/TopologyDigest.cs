using System.Security.Cryptography;
using System.Text;

namespace TrainMover.Collectives;

/// <summary>
/// The digest of a topology: members are hashed page by page and the pages together, so that a topology which differs in a few ranks hashes a few pages again and not the whole job.
/// It depends on the content alone, not on how the topology came about.
/// </summary>
internal static class TopologyDigest
{
    private const int PageMembers = 64;

    /// <summary>Hash of each page of members, one after the other.</summary>
    public static byte[] PagesOf(Member[] members)
    {
        var pages = new byte[(members.Length + PageMembers - 1) / PageMembers * SHA256.HashSizeInBytes];
        for (var page = 0; page < pages.Length / SHA256.HashSizeInBytes; page++)
            Hash(members, page, pages);
        return pages;
    }

    /// <summary>The pages again, with those of some ranks hashed anew.</summary>
    public static byte[] PagesOf(Member[] members, byte[] before, IEnumerable<int> changedRanks)
    {
        var pages = before.ToArray();
        foreach (var page in changedRanks.Select(rank => rank / PageMembers).Distinct())
            Hash(members, page, pages);
        return pages;
    }

    public static string Of(Topology topology, byte[] pages)
    {
        var text = new StringBuilder();
        text.Append(topology.Job.Length).Append(':').Append(topology.Job).Append('\n').Append(topology.Generation).Append('\n');
        AppendShape(text, topology);
        text.Append(Convert.ToHexStringLower(SHA256.HashData(pages)));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    public static void AppendShape(StringBuilder text, Topology topology) => text.Append(topology.Layout).Append(" channels ").Append(topology.Channels).Append(topology.HasTrees ? " trees" : "")
        .Append(" ring ").AppendJoin(' ', topology.RingOrder ?? []).Append('\n');

    // Lengths before texts, so that no two members share a canonical text.
    public static void AppendMember(StringBuilder text, Member member) => text.Append(member.Rank).Append(' ')
        .Append(member.Machine.Length).Append(':').Append(member.Machine).Append(' ')
        .Append(member.Host.Length).Append(':').Append(member.Host).Append(' ').Append(member.Port).Append('\n');

    private static void Hash(Member[] members, int page, byte[] pages)
    {
        var text = new StringBuilder();
        foreach (var member in members.AsSpan(page * PageMembers, Math.Min(PageMembers, members.Length - (page * PageMembers))))
            AppendMember(text, member);
        SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()), pages.AsSpan(page * SHA256.HashSizeInBytes));
    }
}
