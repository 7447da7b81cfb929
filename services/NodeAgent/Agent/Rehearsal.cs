using TrainMover.Contracts;
using TrainMover.Messaging;

namespace TrainMover.Agent;

/// <summary>Handles every message of an agent once before the first real one comes (ADR 4).</summary>
internal sealed class Rehearsal : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Run(() => MessageRehearsal.Run(Topics.Commands, Topics.Progress, Topics.Telemetry), stoppingToken);
}
