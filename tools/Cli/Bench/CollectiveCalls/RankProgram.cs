using System.Globalization;
using System.Net;
using TrainMover.Collectives;

namespace TrainMover.Cli.Bench.CollectiveCalls;

/// <summary>A process of the measurement: it holds one rank, or all of them as threads; says its port, reads everybody's, measures and ends.</summary>
internal static class RankProgram
{
    public static async Task RunAsync(int machine, int ranksHere, CancellationToken ct)
    {
        await using var endpoint = Endpoint.Listen($"m{machine}", IPAddress.Loopback);
        await Console.Out.WriteLineAsync($"port {endpoint.Port}");
        await Console.Out.FlushAsync(ct);
        var ports = (await Console.In.ReadLineAsync(ct) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(port => int.Parse(port, CultureInfo.InvariantCulture)).ToList();
        var members = Enumerable.Range(0, ports.Count * ranksHere).Select(rank => new Member(rank, $"m{rank / ranksHere}", "127.0.0.1", ports[rank / ranksHere]));
        var groups = await endpoint.CreateGroupsAsync(new Topology("bench", 1, new ParallelLayout(ports.Count * ranksHere), [.. members], new byte[Topology.KeyBytes], trees: true), ct);
        await Task.WhenAll(groups.Ranks.Select(rank => Task.Factory.StartNew(
            () =>
            {
                Binding.Bind(rank, groups.Topology.Size);
                new CallTimings(groups[rank].DataParallel, Console.Out).Run();
            },
            ct, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
    }
}
