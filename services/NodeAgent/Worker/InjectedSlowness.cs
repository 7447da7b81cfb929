using System.Globalization;

namespace TrainMover.Worker;

/// <summary>
/// Fault injection, off unless <c>TRAINMOVER_INJECTION=1</c>: the file <c>slow-MACHINE</c> beside the worker's socket holds the share of processor time that every operation wastes in addition; <c>Infinity</c> for one that does not return.
/// </summary>
internal sealed class InjectedSlowness : IDisposable
{
    private const string Switch = "TRAINMOVER_INJECTION";

    private readonly string _file;
    private readonly FileSystemWatcher _watcher;
    private double _share;

    private InjectedSlowness(string folder, string name)
    {
        _file = Path.Combine(folder, name);
        _watcher = new FileSystemWatcher(folder, name);
        _watcher.Created += (_, _) => Read();
        _watcher.Changed += (_, _) => Read();
        _watcher.Renamed += (_, _) => Read();
        _watcher.Deleted += (_, _) => Read();
        _watcher.EnableRaisingEvents = true;
        Read();
    }

    public static InjectedSlowness? Of(WorkerOptions options) =>
        Environment.GetEnvironmentVariable(Switch) == "1" ? new InjectedSlowness(Path.GetDirectoryName(Path.GetFullPath(options.Socket))!, $"slow-{options.Machine}") : null;

    public double Share() => Volatile.Read(ref _share);

    public void Dispose() => _watcher.Dispose();

    private void Read()
    {
        try
        {
            Volatile.Write(ref _share, double.TryParse(File.ReadAllText(_file), CultureInfo.InvariantCulture, out var share) && share is (> 0 and <= 100) or double.PositiveInfinity ? share : 0);
        }
        catch (IOException)
        {
            Volatile.Write(ref _share, 0);
        }
    }
}
