using TrainMover.Collectives;

namespace TrainMover.Training.Session;

/// <summary>The memory of a replica that a route reads or writes, in the same order on both sides.</summary>
internal static class StateRegions
{
    public static List<MemoryRegion> ToSend(Replica replica, StateRoute route) => route.Part switch
    {
        StatePart.ParametersAndOwnMoments => [replica.ParameterRegion, .. replica.BackupMomentRegions],
        StatePart.BackupMoments => [.. replica.MomentRegions],
        _ => Striped(replica, route),
    };

    public static List<MemoryRegion> ToReceive(Replica replica, StateRoute route)
    {
        replica.ForgetStoppedPasses();
        return route.Part switch
        {
            StatePart.ParametersAndOwnMoments => [replica.ParameterRegion, .. replica.MomentRegions],
            StatePart.BackupMoments => [.. replica.BackupMomentRegions],
            _ => Striped(replica, route),
        };
    }

    private static List<MemoryRegion> Striped(Replica replica, StateRoute route) =>
        [.. new[] { replica.ParameterRegion }.Concat(replica.MomentRegions).Concat(replica.BackupMomentRegions).Select(region => StripeOf(region, route.Stripe, route.Stripes))];

    private static MemoryRegion StripeOf(MemoryRegion region, int stripe, int stripes)
    {
        var elements = region.Length / sizeof(float);
        var start = elements * stripe / stripes * sizeof(float);
        return new MemoryRegion(region.Address + (nint)start, (elements * (stripe + 1) / stripes * sizeof(float)) - start);
    }
}
