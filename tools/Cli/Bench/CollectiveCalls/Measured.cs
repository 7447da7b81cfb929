using System.Globalization;

namespace TrainMover.Cli.Bench.CollectiveCalls;

/// <summary>A line of a rank program or of openmpi.c: one call at one size.</summary>
internal sealed record Measured(string Operation, long Bytes, bool Right, long Allocated, IReadOnlyList<double> Microseconds)
{
    public static Measured? Parse(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["point", var operation, var bytes, var right, var allocated, .. var times]
        ? new(operation, Number(bytes), right == "1", Number(allocated), [.. times.Select(time => double.Parse(time, CultureInfo.InvariantCulture))])
        : null;

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>The same point measured twice, one right after the other.</summary>
internal sealed record MeasuredPair(string Setting, Measured Ours, Measured Theirs)
{
    /// <summary>How many times as long OpenMPI took.</summary>
    public double Ratio => Theirs.Microseconds.Median() / Ours.Microseconds.Median();
}

/// <summary>One call at one size over one transport, ours beside the best setting of OpenMPI; medians over all rounds. Sizes and bandwidths as nccl-tests define them.</summary>
/// <param name="Bytes">Of the whole buffer: what every rank has afterwards.</param>
/// <param name="BusGBps">Bytes that a rank must send, whatever the algorithm, over the time.</param>
/// <param name="OpenMpiSetting">Of the grid the setting that does best beside ours, for this point.</param>
/// <param name="Ratio">Ours over OpenMPI's bus bandwidth: the median over the rounds of this setting.</param>
/// <param name="Allocated">Managed bytes that any rank allocated in the timed calls, in the run with the fewest: what a call allocates shows in every run, what the runtime creates once on its way in one of them.</param>
internal sealed record ComparedPoint(
    string Transport, int Ranks, string Operation, long Bytes, double Microseconds, double BusGBps, double OpenMpiMicroseconds, double OpenMpiBusGBps, string OpenMpiSetting,
    double Ratio, long Allocated, bool Verified)
{
    /// <param name="pairs">Of all settings and rounds; at least one.</param>
    public static ComparedPoint Of(string transport, int ranks, string operation, long bytes, IReadOnlyList<MeasuredPair> pairs)
    {
        var (setting, ratio) = pairs.GroupBy(pair => pair.Setting).Select(setting => (setting, Ratio: setting.Select(pair => pair.Ratio).Median())).MinBy(setting => setting.Ratio);
        var (time, theirTime) = (setting.SelectMany(pair => pair.Ours.Microseconds).Median(), setting.SelectMany(pair => pair.Theirs.Microseconds).Median());
        var work = bytes * BusFactor(operation, ranks) / 1000;
        return new ComparedPoint(
            transport, ranks, operation, bytes, time, work / time, theirTime, work / theirTime, setting.Key, ratio,
            pairs.Min(pair => pair.Ours.Allocated), pairs.All(pair => pair.Ours.Right && pair.Theirs.Right));
    }

    public static double BusFactor(string operation, int ranks) => operation switch
    {
        "all-reduce" => 2.0 * (ranks - 1) / ranks,
        "all-gather" => (double)(ranks - 1) / ranks,
        _ => 1,
    };
}

internal sealed record CollectivesResult(
    int Processors, int Rounds, string OpenMpi, IReadOnlyList<string> Grid, IReadOnlyDictionary<string, string> Placement, IReadOnlyList<ComparedPoint> Points,
    double TcpRatioFrom1MB, double MemoryRatioFrom1MB, double TcpRatioGivenOurMeans, double MemoryRatioGivenOurMeans, double WorstLatencyAt4KB, long MostAllocated, bool AllVerified);
