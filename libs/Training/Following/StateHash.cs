using System.IO.Hashing;

namespace TrainMover.Training;

/// <summary>A fast hash of a run of parameters and of the moments that belong to it: tells replicas apart, proves nothing against an adversary.</summary>
internal static class StateHash
{
    public static unsafe UInt128 Of(Replica replica, int start, int length)
    {
        var hash = new XxHash128();
        foreach (var region in replica.StateOf(new FlatPart(start, length)))
            hash.Append(new ReadOnlySpan<byte>((void*)region.Address, checked((int)region.Length)));
        return hash.GetCurrentHashAsUInt128();
    }
}
