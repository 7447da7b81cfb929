using System.Diagnostics;
using System.Globalization;

namespace TrainMover.Cli.Bench.Latency;

/// <summary>A busy process for each core. They end by themselves, should nobody end them.</summary>
internal sealed class CoreLoad : IDisposable
{
    private readonly IReadOnlyList<Process> _busy;

    private CoreLoad(IReadOnlyList<Process> busy) => _busy = busy;

    public static CoreLoad Start(TimeSpan longest) => new([.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Process.Start("timeout", [longest.TotalSeconds.ToString("0", CultureInfo.InvariantCulture), "sh", "-c", "while :; do :; done"]))]);

    public void Dispose()
    {
        foreach (var process in _busy)
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
        }
    }
}
