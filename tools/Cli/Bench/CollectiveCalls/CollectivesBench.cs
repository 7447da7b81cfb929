using System.Globalization;
using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Bench.CollectiveCalls;

/// <summary>
/// Ours beside OpenMPI: in every round our ranks run once before each setting of OpenMPI's grid, so that both meet the same noise: on a virtual machine the same call may take three times as long for minutes, whoever makes it. Of a
/// setting the median counts of what it took beside ours; of the settings the one that does best beside ours, point by point.
/// </summary>
internal static class CollectivesBench
{
    private const int Rounds = 3;
    private const long LargeFrom = 1024 * 1024;
    private const double TcpBar = 1.5;
    private const double MemoryBar = 1.0;
    private const double LatencyBar = 2.0;

    public static async Task<CollectivesResult> RunAsync(Access access, IProgress<string> progress, CancellationToken ct)
    {
        var rival = await OpenMpi.PrepareAsync(access, progress, ct);
        var points = new List<ComparedPoint>();
        var givenOurMeans = new List<ComparedPoint>();
        foreach (var transport in new[] { "tcp", "memory" })
        {
            foreach (var ranks in new[] { 2, 4 })
            {
                var runs = await MeasureAsync(rival, transport, ranks, progress, ct);
                points.AddRange(Compare(transport, ranks, [.. runs.Where(run => !run.Setting.GivenOurMeans)]));
                givenOurMeans.AddRange(Compare(transport, ranks, runs));
            }
        }

        return new CollectivesResult(
            Environment.ProcessorCount, Rounds, rival.Version,
            [.. Settings("tcp").Concat(Settings("memory")).Select(setting => $"{setting.Name}: {setting.Arguments}")],
            new Dictionary<string, string>
            {
                ["tcp"] = "ours: a process per rank; OpenMPI: a process per rank; loopback, where ours sends registered memory without copying it first",
                ["memory"] = "ours: a thread per rank in one process; OpenMPI: a process per rank over shared memory",
            },
            points,
            RatioFrom(points, "tcp"), RatioFrom(points, "memory"), RatioFrom(givenOurMeans, "tcp"), RatioFrom(givenOurMeans, "memory"),
            points.Where(point => point.Bytes == CallTimings.Smallest).Max(point => 1 / point.Ratio),
            points.Max(point => point.Allocated), points.All(point => point.Verified));
    }

    public static void Tell(Output output, CollectivesResult result)
    {
        var table = Output.Table("transport", "ranks", "call", "bytes", "us", "bus GB/s", $"{result.OpenMpi} us", "bus GB/s", "ratio", "its best setting");
        foreach (var point in result.Points)
        {
            table.Row(
                point.Transport, $"{point.Ranks}", point.Operation, point.Bytes.ToString("N0", CultureInfo.InvariantCulture), $"{point.Microseconds:0.0}", $"{point.BusGBps:0.00}",
                $"{point.OpenMpiMicroseconds:0.0}", $"{point.OpenMpiBusGBps:0.00}", $"{point.Ratio:0.00}", point.OpenMpiSetting);
        }

        output.Console.Write(table);
        foreach (var (transport, placement) in result.Placement) output.Line($"{transport}: {placement}");
        Bar($"median ratio of bus bandwidth from 1 MB over TCP at least {TcpBar:0.0}", $"{result.TcpRatioFrom1MB:0.00}", result.TcpRatioFrom1MB >= TcpBar);
        Bar($"median ratio of bus bandwidth from 1 MB over memory at least {MemoryBar:0.0}", $"{result.MemoryRatioFrom1MB:0.00}", result.MemoryRatioFrom1MB >= MemoryBar);
        output.Line($"the same beside OpenMPI with our means by hand (buffers in large pages, little under way), no bar: {result.TcpRatioGivenOurMeans:0.00} over TCP, {result.MemoryRatioGivenOurMeans:0.00} over memory");
        Bar($"latency at 4 KB at most {LatencyBar:0.0} times OpenMPI's (the worst point)", $"{result.WorstLatencyAt4KB:0.00}", result.WorstLatencyAt4KB <= LatencyBar);
        Bar("bytes allocated by timed calls: 0", $"{result.MostAllocated}", result.MostAllocated == 0);
        Bar("all results verified", result.AllVerified ? "yes" : "no", result.AllVerified);
        void Bar(string name, string value, bool met) => output.Line($"{name}: {value} {(met ? "(met)" : "(NOT MET)")}");
    }

    private static async Task<IReadOnlyList<Run>> MeasureAsync(OpenMpi rival, string transport, int ranks, IProgress<string> progress, CancellationToken ct)
    {
        var runs = new List<Run>();
        for (var round = 1; round <= Rounds; round++)
        {
            progress.Report($"{transport}, {ranks} ranks, round {round} of {Rounds}");
            foreach (var setting in Settings(transport))
            {
                // Ranks that spin without having a core take whole time slices from each other: a thousand times slower, and minutes long.
                if (setting.Name.StartsWith("spin", StringComparison.Ordinal) && ranks > Environment.ProcessorCount) continue;
                runs.Add(new Run(setting, await RankProcesses.RunAsync(transport, ranks, ct), await rival.RunAsync(setting, ranks, ct)));
            }
        }

        return runs;
    }

    private static IEnumerable<ComparedPoint> Compare(string transport, int ranks, IReadOnlyList<Run> runs) =>
        from operation in CallTimings.Operations
        from bytes in Sizes()
        let pairs = from run in runs
                    from ours in run.Ours.Where(Is(operation, bytes))
                    from theirs in run.Theirs.Where(Is(operation, bytes))
                    select new MeasuredPair(run.Setting.Name, ours, theirs)
        select ComparedPoint.Of(transport, ranks, operation, bytes, [.. pairs]);

    private static IEnumerable<OpenMpi.Setting> Settings(string transport) => OpenMpi.Grid(transport).Concat(OpenMpi.GridGivenOurMeans(transport));

    private static IEnumerable<long> Sizes()
    {
        for (var bytes = CallTimings.Smallest; bytes <= CallTimings.Largest; bytes *= CallTimings.Factor)
            yield return bytes;
    }

    private static Func<Measured, bool> Is(string operation, long bytes) => point => point.Operation == operation && point.Bytes == bytes;

    private static double RatioFrom(IEnumerable<ComparedPoint> points, string transport) =>
        points.Where(point => point.Transport == transport && point.Bytes >= LargeFrom).Select(point => point.Ratio).Median();

    private sealed record Run(OpenMpi.Setting Setting, IReadOnlyList<Measured> Ours, IReadOnlyList<Measured> Theirs);
}
