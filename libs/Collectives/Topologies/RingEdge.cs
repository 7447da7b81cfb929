namespace TrainMover.Collectives;

/// <summary>
/// A directed data connection of one channel of a group: <paramref name="FromRank"/> opens it and writes, <paramref name="ToRank"/> accepts it and reads. Between machines it is a
/// socket, inside a machine it is memory.
/// </summary>
/// <param name="Group">The group, as the topology of the edge names it.</param>
/// <param name="Channel">Channel of the group, from 0; odd ones run the ring the other way round. From <see cref="Topology.MostChannels"/> on: a connection of its trees.</param>
/// <param name="FromRank">Rank of the writer, in the topology that the edge belongs to.</param>
/// <param name="FromMachine">Machine of the writer.</param>
/// <param name="ToRank">Rank of the reader.</param>
/// <param name="ToMachine">Machine of the reader.</param>
public readonly record struct RingEdge(GroupId Group, int Channel, int FromRank, string FromMachine, int ToRank, string ToMachine)
{
    /// <summary>Whether both ends are on one machine.</summary>
    public bool IsIntraMachine => FromMachine == ToMachine;

    /// <summary>Whether a machine is one of the ends.</summary>
    public bool Touches(string machine) => FromMachine == machine || ToMachine == machine;

    /// <summary>Ranks tell edges of one topology apart, so that no names have to be hashed.</summary>
    public override int GetHashCode() => HashCode.Combine(Group.Kind, Group.First, Channel, FromRank, ToRank);

    /// <inheritdoc/>
    public override string ToString() => $"{Group.Kind} {Group.First} channel {Channel}: {FromRank} ({FromMachine}) > {ToRank} ({ToMachine})";

    /// <summary>Orders by group, channel, writer and reader: the order of every list of a <see cref="DeltaPlan"/>.</summary>
    internal static int Compare(RingEdge left, RingEdge right) => (left.Group.Kind, left.Group.First, left.Channel, left.FromRank, left.ToRank)
        .CompareTo((right.Group.Kind, right.Group.First, right.Channel, right.FromRank, right.ToRank));
}
