using System.Text;

namespace TrainMover.Collectives;

/// <summary>What a topology must hold to make sense.</summary>
internal static class TopologyRules
{
    private const int LongestName = 200;

    public static void Check(Topology topology)
    {
        var members = topology.Members;
        try
        {
            topology.Layout.Validate();
        }
        catch (InvalidOperationException wrong)
        {
            throw new ArgumentException(wrong.Message, nameof(topology), wrong);
        }

        if (topology.Layout.Size != members.Count)
            throw new ArgumentException($"{topology.Layout} has {topology.Layout.Size} ranks, not {members.Count}.", nameof(topology));
        var addresses = new Dictionary<string, Member>(StringComparer.Ordinal);
        for (var rank = 0; rank < members.Count; rank++)
        {
            var member = members[rank];
            CheckMember(member, rank);
            if (!addresses.TryAdd(member.Machine, member) && addresses[member.Machine] is var other && (other.Host != member.Host || other.Port != member.Port))
                throw new ArgumentException($"{member.Machine} has one address, not {other.Host}:{other.Port} and {member.Host}:{member.Port}.", nameof(topology));
            if (members[rank / topology.Layout.Tp * topology.Layout.Tp].Machine != member.Machine)
                throw new ArgumentException($"A tensor-parallel group is on one machine; rank {rank} is not where the others of its group are.", nameof(topology));
        }

        if (topology.RingOrder is { } order)
            CheckOrder(order, topology.Layout);
    }

    public static void CheckMember(Member member, int rank)
    {
        if (member.Rank != rank)
            throw new ArgumentException($"Members stand in rank order without gaps; position {rank} holds rank {member.Rank}.", nameof(member));
        if (string.IsNullOrEmpty(member.Machine) || Encoding.UTF8.GetByteCount(member.Machine) > LongestName)
            throw new ArgumentException($"The machine of rank {rank} needs a name of 1 to {LongestName} bytes.", nameof(member));
    }

    private static void CheckOrder(IReadOnlyList<int> order, ParallelLayout layout)
    {
        if (layout.Pp != 1 || layout.Tp != 1)
            throw new ArgumentException($"A ring order is for data parallelism only, not for {layout}.", nameof(order));
        if (!order.Order().SequenceEqual(Enumerable.Range(0, layout.Size)))
            throw new ArgumentException("A ring order has every rank once.", nameof(order));
    }
}
