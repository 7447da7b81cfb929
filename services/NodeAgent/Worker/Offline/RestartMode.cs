using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using TrainMover.Collectives;
using TrainMover.Contracts.Jobs;
using TrainMover.Training;

namespace TrainMover.Worker.Offline;

/// <summary>One rank of a job that is started again from a checkpoint; writes the monotonic times at which it computes again and has its first step.</summary>
internal static class RestartMode
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(JobSpec job, int rank, string folder)
    {
        using var limit = new CancellationTokenSource(Limit);
        await using var endpoint = Endpoint.Listen(Machine(rank), IPAddress.Loopback);
        Announce(folder, rank, endpoint.Port);
        var loading = Task.Run(() => Load(job), limit.Token);
        var ports = await PeersAsync(folder, job.Layout.Ranks, limit.Token);
        var key = SHA256.HashData(Encoding.UTF8.GetBytes(folder));
        var topology = new Topology(job.JobId, 1, [.. ports.Select((port, member) => new Member(member, Machine(member), "127.0.0.1", port))], key);
        await using var groups = await endpoint.CreateGroupsAsync(topology, limit.Token);
        var group = groups[rank].DataParallel;
        using var replica = await loading;
        var corpus = Corpus.Load(job.DataFile);
        group.Barrier();
        var resumed = Stopwatch.GetTimestamp();

        // It is only a restart if the job really trains on.
        StepProtocol.TrainStep(replica, corpus, new DataParallelGroups(group), StepProtocol.Commit);
        group.Barrier();
        var stepped = Stopwatch.GetTimestamp();
        await File.WriteAllLinesAsync(
            Path.Combine(folder, $"resumed-{rank}"), ((long[])[resumed, stepped]).Select(time => time.ToString(CultureInfo.InvariantCulture)), CancellationToken.None);
    }

    private static Replica Load(JobSpec job)
    {
        TorchRuntime.Load();
        var replica = new Replica(OfflineMode.Shape(job), OfflineMode.Recipe(job));
        Checkpoint.Load(Path.Combine(job.Directory, "initial.safetensors"), replica);
        return replica;
    }

    private static void Announce(string folder, int rank, int port)
    {
        var file = PortFile(folder, rank);
        File.WriteAllText(file + ".new", port.ToString(CultureInfo.InvariantCulture));
        File.Move(file + ".new", file);
    }

    private static async Task<int[]> PeersAsync(string folder, int ranks, CancellationToken ct)
    {
        var ports = new int[ranks];
        for (var rank = 0; rank < ranks; rank++)
        {
            while (!File.Exists(PortFile(folder, rank))) await Task.Delay(1, ct);
            ports[rank] = int.Parse(await File.ReadAllTextAsync(PortFile(folder, rank), ct), CultureInfo.InvariantCulture);
        }

        return ports;
    }

    private static string PortFile(string folder, int rank) => Path.Combine(folder, $"port-{rank}");

    private static string Machine(int rank) => $"restart-{rank}";
}
