using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace TrainMover.Training;

/// <summary>A fast hash of a run of parameters and moments: tells replicas apart, proves nothing against an adversary.</summary>
internal static class StateHash
{
    public static UInt128 Of(Replica replica, int start, int length)
    {
        var hash = new XxHash128();
        hash.Append(MemoryMarshal.AsBytes(replica.ParameterData.Slice(start, length)));
        hash.Append(MemoryMarshal.AsBytes(replica.FirstMoment.Slice(start, length)));
        hash.Append(MemoryMarshal.AsBytes(replica.SecondMoment.Slice(start, length)));
        return hash.GetCurrentHashAsUInt128();
    }
}
