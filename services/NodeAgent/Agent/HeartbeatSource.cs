using System.Diagnostics;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Agent;

/// <summary>Says four times a second that the machine's agent is alive, and which worker it has; and at once when the worker's process is stopped, goes on, or ends.</summary>
internal sealed class HeartbeatSource(AgentOptions options, WorkerView view, Outgoing outgoing) : BackgroundService
{
    // A thread of its own: a timer of the pool wakes two threads for each look, fifty times a second.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Factory.StartNew(() => Look(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Look(CancellationToken ct)
    {
        var (looks, wasStopped) = (0, false);
        do
        {
            // No event tells of a process that is stopped or is being torn down.
            var pid = view.Status?.Pid;
            var state = pid is { } worker ? ProcessState.Of(worker) : default;
            if (state.IsEnding) view.Ends(pid!.Value, state);
            if (looks++ % AgentOptions.LooksPerHeartbeat == 0 || state.IsStopped != wasStopped)
                outgoing.Tell(new Heartbeat(options.Machine, pid, Stopwatch.GetTimestamp(), state.IsStopped ? true : null));
            wasStopped = state.IsStopped;
        }
        while (!ct.WaitHandle.WaitOne(AgentOptions.LookInterval));
    }
}
