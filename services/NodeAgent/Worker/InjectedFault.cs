using System.Diagnostics;
using System.Globalization;

namespace TrainMover.Worker;

/// <summary>
/// Fault injection, off unless <c>TRAINMOVER_INJECTION=1</c>: the file <c>faults/MACHINE</c> beside the worker's socket holds the share of processor time that every operation wastes in addition, <c>Infinity</c> for one that does not
/// return, or <c>Kill</c> for a worker that kills itself right after its next step.
/// </summary>
internal sealed class InjectedFault : IDisposable
{
    private const string Switch = "TRAINMOVER_INJECTION";
    private const string Kill = "Kill";

    private readonly string _file;
    private readonly FileSystemWatcher _watcher;
    private double _share;
    private volatile bool _kills;

    private InjectedFault(string folder, string name)
    {
        Directory.CreateDirectory(folder);
        _file = Path.Combine(folder, name);
        _watcher = new FileSystemWatcher(folder, name);
        _watcher.Created += (_, _) => Read();
        _watcher.Changed += (_, _) => Read();
        _watcher.Renamed += (_, _) => Read();
        _watcher.Deleted += (_, _) => Read();
        _watcher.EnableRaisingEvents = true;
        Read();
    }

    public static InjectedFault? Of(WorkerOptions options) =>
        Environment.GetEnvironmentVariable(Switch) == "1" ? new InjectedFault(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(options.Socket))!, "faults"), options.Machine) : null;

    public double Share() => Volatile.Read(ref _share);

    /// <summary>A step is completed. Does not return where the worker is to die.</summary>
    public void AfterStep()
    {
        if (!_kills) return;
        // Once: a worker that takes its place lives.
        File.Delete(_file);
        File.WriteAllText($"{_file}.killed", Stopwatch.GetTimestamp().ToString(CultureInfo.InvariantCulture));
        Process.GetCurrentProcess().Kill();
    }

    public void Dispose() => _watcher.Dispose();

    private void Read()
    {
        try
        {
            var order = File.ReadAllText(_file).Trim();
            _kills = order == Kill;
            Volatile.Write(ref _share, double.TryParse(order, CultureInfo.InvariantCulture, out var share) && share is (> 0 and <= 100) or double.PositiveInfinity ? share : 0);
        }
        catch (IOException)
        {
            _kills = false;
            Volatile.Write(ref _share, 0);
        }
    }
}
