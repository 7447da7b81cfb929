using TrainMover.Training.Session;

namespace TrainMover.Training.Tests.Session;

/// <summary>What an uninterrupted run of the cluster's job gives.</summary>
internal sealed record Reference(IReadOnlyList<uint> LossBits, string Digest)
{
    public static async Task<Reference> RunAsync(int steps, int ranks)
    {
        await using var cluster = Cluster.Create(ranks, steps);
        string[] machines = [.. Enumerable.Range(0, ranks).Select(i => $"m{i}")];
        cluster.Start(cluster.Topology(1, machines));
        var finished = await cluster.AllAsync<TrainingFinished>(machines);
        finished.Select(end => end.Digests[0].Digest).Distinct().Count().ShouldBe(1);
        return new Reference(cluster["m0"].LossBits, finished[0].Digests[0].Digest);
    }
}
