using TrainMover.Cli.CommandLine;

namespace TrainMover.Cli.Bench.Detect;

/// <summary>The folders of a data folder, found by what is in them and not by their names.</summary>
internal sealed record DetectionData(
    IReadOnlyList<string> Machines, IReadOnlyList<string> Series, IReadOnlyList<string> Traces, IReadOnlyList<string> Workers, IReadOnlyList<string> Incidents)
{
    public static DetectionData In(string root)
    {
        if (!Directory.Exists(root)) throw new BadInputException($"The data folder {root} does not exist: name one with --data (docs/detection.md tells the layout).");
        var folders = Directory.GetDirectories(root).Order(StringComparer.Ordinal).ToList();
        var data = new DetectionData(
            [.. folders.Where(folder => Has(folder, "*_train.csv.gz"))],
            [.. folders.Where(folder => File.Exists(Path.Combine(folder, "labels", "combined_windows.json")))],
            [.. folders.Where(folder => Has(folder, "trace-*.csv.gz"))],
            [.. folders.Where(folder => Has(folder, "*job_*_norm.csv"))],
            [.. folders.Where(folder => File.Exists(Path.Combine(folder, "incidents.csv")))]);
        Require(data.Machines, "machine metrics", "*_train.csv.gz");
        Require(data.Series, "labelled series", "labels/combined_windows.json");
        Require(data.Traces, "operation traces", "trace-*.csv.gz");
        Require(data.Workers, "times of workers", "*job_*_norm.csv");
        Require(data.Incidents, "incidents of a job", "incidents.csv");
        return data;

        void Require(IReadOnlyList<string> found, string what, string pattern)
        {
            if (found.Count == 0) throw new BadInputException($"{root} holds no folder with {what} ({pattern}): nothing is left out of the scorecard (docs/detection.md tells the layout).");
        }
    }

    /// <summary>The file, which has to be there.</summary>
    public static string Required(string folder, string name) =>
        File.Exists(Path.Combine(folder, name)) ? Path.Combine(folder, name) : throw new BadInputException($"{Path.Combine(folder, name)} is missing.");

    private static bool Has(string folder, string pattern) => Directory.EnumerateFiles(folder, pattern).Any();
}
