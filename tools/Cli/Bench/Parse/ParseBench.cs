using System.Globalization;
using TrainMover.Cli.CommandLine;
using TrainMover.Telemetry.Fuzzing;

namespace TrainMover.Cli.Bench.Parse;

/// <summary>Broken lines for the parsers of kernel logs and metrics: none may throw, and memory does not grow.</summary>
internal static class ParseBench
{
    private const long PeakBarBytes = 64L * 1024 * 1024;

    public static ParseResult Run(long lines, int seed, IProgress<string> progress, CancellationToken ct)
    {
        var share = new Shares(progress);
        var result = ParserFuzz.Run(lines, seed, progress: share, ct: ct);
        return new ParseResult(seed, PeakBarBytes, result.Exceptions == 0, result.PeakManagedBytes < PeakBarBytes, result);
    }

    public static void Tell(Output output, ParseResult result)
    {
        var fuzz = result.Fuzz;
        var table = Output.Table("lines", "lines/s", "error lines", "samples", "exceptions", "peak of the managed heap in MiB", "seconds");
        table.Row(Number(fuzz.Lines), Number((long)fuzz.LinesPerSecond), Number(fuzz.Faults), Number(fuzz.Samples), Number(fuzz.Exceptions), $"{fuzz.PeakManagedBytes / 1048576.0:0.0}", $"{fuzz.Seconds:0.0}");
        output.Console.Write(table);
        output.Line($"no exception: {(result.NoException ? "met" : "NOT MET")}");
        output.Line($"managed heap under {result.PeakBarBytes / 1048576} MiB: {(result.MemoryBounded ? "met" : "NOT MET")}");
        if (fuzz.FirstException is { } first) output.Line(first);
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private sealed class Shares(IProgress<string> progress) : IProgress<double>
    {
        public void Report(double value) => progress.Report($"{value:0%} of the lines");
    }
}

internal sealed record ParseResult(int Seed, long PeakBarBytes, bool NoException, bool MemoryBounded, FuzzResult Fuzz);
