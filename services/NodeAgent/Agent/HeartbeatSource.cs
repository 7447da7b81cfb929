using System.Diagnostics;
using TrainMover.Contracts.Telemetry;

namespace TrainMover.Agent;

/// <summary>Says four times a second that the machine's agent is alive, and which worker it has.</summary>
internal sealed class HeartbeatSource(AgentOptions options, WorkerView view, Outgoing outgoing) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(AgentOptions.HeartbeatInterval);
        do
        {
            outgoing.Tell(new Heartbeat(options.Machine, view.Status?.Pid, Stopwatch.GetTimestamp()));
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
