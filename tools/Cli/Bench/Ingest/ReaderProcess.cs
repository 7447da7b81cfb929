using System.Diagnostics;
using System.Globalization;
using TrainMover.Cli.CommandLine;
using TrainMover.Cli.Verbs;

namespace TrainMover.Cli.Bench.Ingest;

/// <summary>How far a reader had come at one time.</summary>
internal sealed record ReaderMark(long Messages, long Timestamp, double CpuMs, long HeapBytes, long ResidentBytes, long AllocatedBytes);

/// <summary>This program once more, bound to one processor, as a reader.</summary>
internal sealed class ReaderProcess : IDisposable
{
    private readonly Process _process;

    private ReaderProcess(Process process) => _process = process;

    public static ReaderProcess Start(string kind, string kafka, string prefix, string group)
    {
        string[] arguments = ["bench", IngestVerb.ReaderVerb, "--kind", kind, "--kafka", kafka, "--prefix", prefix, "--group", group];
        var program = Environment.ProcessPath!;
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") arguments = [Environment.GetCommandLineArgs()[0], .. arguments];
        var start = new ProcessStartInfo("taskset", ["--cpu-list", $"{Environment.ProcessorCount - 1}", program, .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true };

        // As the Detector is set, and the bare readers too: garbage is collected in the foreground.
        start.Environment["DOTNET_gcConcurrent"] = "0";
        try
        {
            return new ReaderProcess(Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new BadInputException("taskset is missing, which binds a reader to one processor: install util-linux.");
        }
    }

    /// <summary>The next mark; null at the end of the process.</summary>
    public async Task<ReaderMark?> NextAsync(CancellationToken ct)
    {
        if ((await _process.StandardOutput.ReadLineAsync(ct))?.Split(' ') is not { Length: 6 } parts) return null;
        var numbers = parts.Select(part => long.Parse(part, CultureInfo.InvariantCulture)).ToList();
        return new ReaderMark(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
