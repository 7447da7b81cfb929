using System.Diagnostics;

namespace TrainMover.Embedded;

/// <summary>A process of a deployment: in a session of its own (Ctrl-C does not reach it), writing to its own log file.</summary>
public sealed class ServiceProcess : IDisposable
{
    private const int TailLines = 3;
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(20);

    // Each command becomes the next one, and in the end the program: the process id stays the same.
    private const string Launch = "exec \"$@\" >>\"$0\" 2>&1 </dev/null";

    // Where Linux shares the cores out by session (autogroup), niceness counts inside a session only, and the session has one of its own.
    private const string Yield = "[ \"$0\" = 0 ] || echo \"$0\" 2>/dev/null >/proc/self/autogroup; exec nice -n \"$0\" \"$@\"";

    private readonly Process _process;

    private ServiceProcess(string name, Process process, ProcessIdentity identity, string logFile)
    {
        Name = name;
        _process = process;
        Identity = identity;
        LogFile = logFile;
    }

    /// <summary>Name in the deployment, for example <c>planner</c> or <c>agent-m0</c>.</summary>
    public string Name { get; }

    /// <summary>The process.</summary>
    public ProcessIdentity Identity { get; }

    /// <summary>Where its output goes.</summary>
    public string LogFile { get; }

    /// <summary>Completes when the process has ended.</summary>
    public Task Ended => _process.WaitForExitAsync();

    /// <summary>Starts a .NET program.</summary>
    /// <param name="name">Name in the deployment; names the log file.</param>
    /// <param name="program">Path of its dll.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Environment variables on top of this process's own.</param>
    /// <param name="logDirectory">Folder of the log file, which is appended to.</param>
    /// <param name="niceness">0 for the usual share of the cores, up to 19 for what the others leave.</param>
    /// <param name="endsWithStarter">It gets SIGTERM when this process ends, however that ends (where setpriv is there).</param>
    /// <exception cref="DeploymentException">The program is not built, or ended at once.</exception>
    public static async Task<ServiceProcess> StartAsync(
        string name, string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, string logDirectory, int niceness = 0, bool endsWithStarter = false)
    {
        if (!File.Exists(program)) throw new DeploymentException($"{program} is missing: build with \"dotnet build -c Release TrainMover.sln\".");
        var logFile = Path.Combine(logDirectory, $"{name}.log");

        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        foreach (var argument in (string[])["-c", Launch, logFile, .. SetPriv.Prefix(signalAtEnd: endsWithStarter ? "TERM" : null), "setsid", "/bin/sh", "-c", Yield, $"{niceness}", "dotnet", program, .. arguments])
            start.ArgumentList.Add(argument);
        foreach (var (key, value) in environment) start.Environment[key] = value;
        var process = await ChildProcess.StartAsync(start);
        var identity = ProcessIdentity.Of(process.Id) ?? throw new DeploymentException($"{name} ended at once: see {logFile}.");
        return new ServiceProcess(name, process, identity, logFile);
    }

    /// <summary>SIGTERM, then SIGKILL after the timeout.</summary>
    /// <param name="timeout">Time to end by itself.</param>
    public async Task StopAsync(TimeSpan timeout)
    {
        Identity.Terminate();
        if (await Task.WhenAny(Ended, Task.Delay(timeout)) == Ended) return;
        await KillAsync();
    }

    /// <summary>SIGKILL, and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        Identity.Kill();
        try
        {
            await Ended.WaitAsync(KillLimit);
        }
        catch (TimeoutException)
        {
            throw new DeploymentException($"{Name} (process {Identity.Pid}) is still there {KillLimit.TotalSeconds:0} s after SIGKILL.");
        }
    }

    /// <summary>The last lines of its log, for an error message.</summary>
    public string LogTail()
    {
        try
        {
            return string.Join(" | ", File.ReadLines(LogFile).Where(line => !string.IsNullOrWhiteSpace(line)).TakeLast(TailLines).Select(line => line.Trim()));
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Lets go of the process object; the process itself is not touched.</summary>
    public void Dispose() => _process.Dispose();
}
