using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using TrainMover.Collectives;
using TrainMover.Contracts.Jobs;
using TrainMover.Training;
using TrainMover.Training.Session;

namespace TrainMover.Worker.Offline;

/// <summary>One machine of a job that is started again from a checkpoint; writes the monotonic times at which its last rank computes again and has its first step.</summary>
internal static class RestartMode
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(JobSpec spec, int machine, string folder)
    {
        using var limit = new CancellationTokenSource(Limit);
        await using var endpoint = Endpoint.Listen(Machine(machine), IPAddress.Loopback);
        Announce(folder, machine, endpoint.Port);
        var job = JobTranslation.ToJob(spec);
        var loading = Enumerable.Range(machine * job.Devices, job.Devices).Select(rank => Task.Run(() => Load(job, rank), limit.Token)).ToList();
        var ports = await PeersAsync(folder, spec.Machines, limit.Token);
        var members = Enumerable.Range(0, job.Layout.Size).Select(rank => new Member(rank, Machine(rank / job.Devices), "127.0.0.1", ports[rank / job.Devices]));
        var topology = new Topology(job.Name, 1, job.Layout, [.. members], SHA256.HashData(Encoding.UTF8.GetBytes(folder)));
        await using var groups = await endpoint.CreateGroupsAsync(topology, limit.Token);
        var replicas = await Task.WhenAll(loading);
        var corpus = Corpus.Load(job.CorpusFile);

        var times = await Task.WhenAll(groups.Ranks.Zip(replicas).Select(pair => Task.Factory.StartNew(
            () => TrainOn(pair.Second, corpus, groups[pair.First]), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        foreach (var replica in replicas) replica.Dispose();
        await File.WriteAllLinesAsync(
            Path.Combine(folder, $"resumed-{machine}"),
            new[] { times.Max(time => time.Resumed), times.Max(time => time.Stepped) }.Select(time => time.ToString(CultureInfo.InvariantCulture)), CancellationToken.None);
    }

    // It is only a restart if the job really trains on.
    private static (long Resumed, long Stepped) TrainOn(Replica replica, Corpus corpus, IRankGroups groups)
    {
        groups.Barrier();
        var resumed = Stopwatch.GetTimestamp();
        StepProtocol.TrainStep(replica, corpus, groups, StepProtocol.Commit);
        groups.Barrier();
        return (resumed, Stopwatch.GetTimestamp());
    }

    private static Replica Load(SessionJob job, int rank)
    {
        TorchRuntime.Load();
        var replica = job.CreateReplica(rank);
        CheckpointStore.Load(job, step: 0, rank, replica);
        return replica;
    }

    private static void Announce(string folder, int machine, int port)
    {
        var file = PortFile(folder, machine);
        File.WriteAllText(file + ".new", port.ToString(CultureInfo.InvariantCulture));
        File.Move(file + ".new", file);
    }

    private static async Task<int[]> PeersAsync(string folder, int machines, CancellationToken ct)
    {
        var ports = new int[machines];
        for (var machine = 0; machine < machines; machine++)
        {
            while (!File.Exists(PortFile(folder, machine))) await Task.Delay(1, ct);
            ports[machine] = int.Parse(await File.ReadAllTextAsync(PortFile(folder, machine), ct), CultureInfo.InvariantCulture);
        }

        return ports;
    }

    private static string PortFile(string folder, int machine) => Path.Combine(folder, $"port-{machine}");

    private static string Machine(int machine) => $"restart-{machine}";
}
