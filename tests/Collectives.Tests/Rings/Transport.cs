namespace TrainMover.Collectives.Tests.Rings;

/// <summary>How the ranks of one data-parallel group are spread over machines.</summary>
internal static class Transport
{
    /// <summary>(Transport, ranks, channels) that results must not depend on.</summary>
    public static TheoryData<string, int, int> All => new()
    {
        { "sockets", 2, 1 }, { "sockets", 3, 1 }, { "sockets", 4, 2 }, { "memory", 2, 1 }, { "memory", 3, 2 }, { "memory", 4, 1 }, { "memory", 5, 3 }, { "both", 4, 1 }, { "both", 6, 2 },
        { "sockets, trees", 4, 1 }, { "sockets, trees", 3, 1 }, { "memory, trees", 5, 2 }, { "memory, trees", 7, 1 }, { "both, trees", 6, 1 },
    };

    public static Task<Cluster> StartAsync(string transport, int ranks, int channels = 1, CollectivesOptions? options = null)
    {
        var perMachine = transport.Split(',')[0] switch { "memory" => ranks, "both" => 2, _ => 1 };
        return Cluster.StartAsync(new Cluster.Shape(RanksPerMachine: perMachine, Channels: channels, Trees: HasTrees(transport)), ranks / perMachine, 0, options);
    }

    public static bool HasTrees(string transport) => transport.EndsWith("trees", StringComparison.Ordinal);

    /// <summary>The same on a thread per rank; results by rank.</summary>
    public static Task<T[]> OnEveryRankAsync<T>(this Cluster cluster, Func<ICommunicator, T> act) =>
        Task.WhenAll(cluster.Groups.SelectMany(machine => machine.Ranks.Select(rank => machine[rank].DataParallel)).Select(group => Cluster.OnThread(() => act(group))))
            .WaitAsync(Cluster.Patience);
}
