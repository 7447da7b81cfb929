namespace TrainMover.Collectives;

/// <summary>A directed data connection of the ring: <paramref name="FromRank"/> opens it and writes, <paramref name="ToRank"/> accepts it and reads.</summary>
/// <param name="FromRank">Rank of the writer, in the topology that the edge belongs to.</param>
/// <param name="FromMachine">Machine of the writer.</param>
/// <param name="ToRank">Rank of the reader.</param>
/// <param name="ToMachine">Machine of the reader.</param>
public readonly record struct RingEdge(int FromRank, string FromMachine, int ToRank, string ToMachine)
{
    /// <summary>Whether both ends are on one machine.</summary>
    public bool IsIntraMachine => FromMachine == ToMachine;

    /// <summary>Whether a machine is one of the ends.</summary>
    public bool Touches(string machine) => FromMachine == machine || ToMachine == machine;
}
