using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>Names of the columns of a table without a header.</summary>
internal static class MetricNames
{
    private const string Usual = "metric_names.txt";

    /// <summary>Names from a file that is given, or that lies beside the data; numbers where there is none.</summary>
    public static IReadOnlyList<string> Beside(string data, int metrics, string? given = null)
    {
        if (given is not null && !File.Exists(given)) throw new BadInputException($"{given} is missing.");
        var path = given ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(data))!, Usual);
        if (!File.Exists(path)) return [.. Enumerable.Range(1, metrics).Select(metric => $"metric {metric}")];
        var names = File.ReadAllText(path).Split([',', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (names.Length != metrics) throw new BadInputException($"{path} names {names.Length} metrics; the samples have {metrics}.");
        return names.Distinct(StringComparer.Ordinal).Count() == metrics ? names : throw new BadInputException($"{path} names a metric twice.");
    }
}
