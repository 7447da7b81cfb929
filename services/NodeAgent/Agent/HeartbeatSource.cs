using System.Diagnostics;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Agent;

/// <summary>Says four times a second that the machine's agent is alive, and which worker it has; and at once when the worker's process is stopped, goes on, or ends.</summary>
internal sealed class HeartbeatSource(AgentOptions options, WorkerView view, Outgoing outgoing) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (looks, wasStopped) = (0, false);
        using var timer = new PeriodicTimer(AgentOptions.LookInterval);
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
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
