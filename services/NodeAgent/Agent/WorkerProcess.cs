using System.Diagnostics;
using TrainMover.NodeAgent.Rpc;

namespace TrainMover.Agent;

/// <summary>A worker process that this agent started, or found running.</summary>
internal sealed class WorkerProcess : IDisposable
{
    // The shell opens the log and setsid gives the worker a session of its own; all replace themselves, so the process id stays.
    private const string Script = "log=$1; shift; exec setsid /bin/sh -c \"$0\" sh \"$@\" </dev/null >>\"$log\" 2>&1";

    // Until it is warm or prepared the worker takes a third of a share of the cores, where Linux shares them out by session.
    private const string InOwnSession = "echo 5 2>/dev/null >/proc/self/autogroup; exec \"$@\"";

    // The exit code of a process that a signal killed is this and the signal.
    private const int KilledFrom = 128;

    private readonly Process _process;
    private readonly bool _child;

    private WorkerProcess(Process process, bool child)
    {
        _process = process;
        _child = child;
    }

    public int Pid => _process.Id;

    /// <summary>Starts a worker that outlives this agent.</summary>
    public static WorkerProcess Start(AgentOptions options)
    {
        if (!File.Exists(options.WorkerAssembly))
            throw new FileNotFoundException($"There is no worker at {options.WorkerAssembly}: build it, or set TRAINMOVER_WORKER.");
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        string[] arguments =
        [
            "-c", Script, InOwnSession, options.WorkerLog,
            Environment.ProcessPath is { } path && Path.GetFileName(path) == "dotnet" ? path : "dotnet", options.WorkerAssembly,
            "--machine", options.Machine, "--socket", options.SocketPath, "--host", options.Host,
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (variable, value) in WorkerMemory.Environment)
            start.Environment[variable] = value;
        return new WorkerProcess(Process.Start(start)!, child: true);
    }

    /// <summary>A running worker that an earlier agent started; null when it is gone already.</summary>
    public static WorkerProcess? Adopt(int pid)
    {
        try
        {
            return new WorkerProcess(Process.GetProcessById(pid), child: false);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    public Task WaitForExitAsync(CancellationToken ct) => _process.WaitForExitAsync(ct);

    /// <summary>How it ended, in one plain sentence; only a parent learns exit code and signal.</summary>
    public string DescribeExit()
    {
        if (!_child)
            return "The worker's process is gone; it was adopted, so its exit code is unknown.";
        return _process.ExitCode is > KilledFrom and var killed ? ProcessState.DescribeEnd(killed - KilledFrom, 0) : ProcessState.DescribeEnd(0, _process.ExitCode);
    }

    /// <summary>Asks it to end, and ends it when it does not.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        using var asked = Process.Start("kill", ["-TERM", Pid.ToString()]);
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }
    }

    public void Dispose() => _process.Dispose();
}
