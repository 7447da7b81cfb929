using System.Diagnostics;
using System.Globalization;

namespace TrainMover.Embedded;

/// <summary>A process id together with its start time, so that an id given to another process later is never signalled.</summary>
/// <param name="Pid">Process id.</param>
/// <param name="StartTicks">Start time in clock ticks since boot, from <c>/proc/PID/stat</c>.</param>
public sealed record ProcessIdentity(int Pid, long StartTicks)
{
    /// <summary>The identity of a live process; null when there is none (a zombie counts as ended).</summary>
    /// <param name="pid">Process id.</param>
    public static ProcessIdentity? Of(int pid)
    {
        string stat;
        try
        {
            stat = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        // The name in brackets may hold blanks; fields are counted from behind it: state is the 1st, start time the 20th.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields[0] is "Z" or "X" ? null : new ProcessIdentity(pid, long.Parse(fields[19], CultureInfo.InvariantCulture));
    }

    /// <summary>Whether this very process still runs.</summary>
    public bool IsAlive() => Of(Pid) == this;

    /// <summary>Sends SIGTERM if it still runs.</summary>
    public void Terminate() => Signal(PosixSignals.Terminate);

    /// <summary>Sends SIGKILL if it still runs.</summary>
    public void Kill() => Signal(PosixSignals.Kill);

    /// <summary>Sends SIGSTOP if it still runs: it exists on and does nothing.</summary>
    public void Stop() => Signal(PosixSignals.Stop);

    /// <summary>Sends SIGCONT if it still runs: it goes on where it was stopped.</summary>
    public void Continue() => Signal(PosixSignals.Continue);

    /// <summary>Waits until it has ended.</summary>
    /// <param name="timeout">Longest wait.</param>
    /// <returns>Whether it ended in time.</returns>
    public async Task<bool> WaitForEndAsync(TimeSpan timeout)
    {
        var started = Stopwatch.GetTimestamp();
        while (IsAlive())
        {
            if (Stopwatch.GetElapsedTime(started) > timeout) return false;
            await Task.Delay(20);
        }

        return true;
    }

    private void Signal(int signal)
    {
        if (IsAlive()) PosixSignals.Send(Pid, signal);
    }
}
