using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using TrainMover.Collectives;
using TrainMover.Contracts;
using TrainMover.Contracts.Jobs;
using TrainMover.Training;

namespace TrainMover.Worker.Offline;

/// <summary>Trains a whole job in this process, one thread per rank, without control plane and interruptions.</summary>
internal static class ReferenceMode
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(JobSpec job, string resultFile)
    {
        TorchRuntime.Load();
        var endpoints = Enumerable.Range(0, job.Layout.Ranks).Select(rank => Endpoint.Listen(Machine(rank), IPAddress.Loopback)).ToList();
        var topology = new Topology(
            job.JobId, 1, [.. endpoints.Select((endpoint, rank) => new Member(rank, Machine(rank), "127.0.0.1", endpoint.Port))], RandomNumberGenerator.GetBytes(Topology.KeyBytes));
        using var limit = new CancellationTokenSource(ConnectLimit);
        var groups = await Task.WhenAll(endpoints.Select(endpoint => endpoint.CreateGroupsAsync(topology, limit.Token)));

        var shape = OfflineMode.Shape(job);
        var result = ReferenceRun.Run(new ByteGpt(shape), OfflineMode.Recipe(job), Corpus.Load(job.DataFile), groups);
        var text = JsonSerializer.Serialize(new { new ParameterLayout(shape).Parameters, result.LossBits, result.Digests }, Catalog.Json);
        await File.WriteAllTextAsync(resultFile + ".new", text, CancellationToken.None);
        File.Move(resultFile + ".new", resultFile, overwrite: true);

        foreach (var group in groups) await group.DisposeAsync();
        foreach (var endpoint in endpoints) await endpoint.DisposeAsync();
    }

    private static string Machine(int rank) => $"reference-{rank}";
}
