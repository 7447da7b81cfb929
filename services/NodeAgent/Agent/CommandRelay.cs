using TrainMover.Contracts;
using TrainMover.Contracts.Commands;
using TrainMover.Messaging;

namespace TrainMover.Agent;

/// <summary>
/// Hands this machine's orders to the worker. Repeats and older generations are the worker's to answer and to refuse: it outlives the agent, so it
/// knows. An order that finds no worker is dropped; the announcement of the next one makes the control plane issue it again.
/// </summary>
internal sealed class CommandRelay(AgentOptions options, KafkaOptions kafka, WorkerView view, Announcer announcer, ILoggerFactory logs) : BackgroundService
{
    private readonly ILogger _log = logs.CreateLogger<CommandRelay>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var reader = new AssignedReader(
            kafka,
            new AssignedReaderOptions { Topics = [Topics.Commands], Key = options.Machine, StartAt = StartAt.End, Reconnected = () => _ = announcer.AnnounceAsync(stoppingToken) },
            logs.CreateLogger<AssignedReader>());
        _ = AnnounceOnceReadyAsync(reader.Ready, stoppingToken);
        await foreach (var batch in reader.ReadAsync(stoppingToken))
        {
            foreach (var message in batch)
            {
                if (message.Envelope.Data is AgentCommand command)
                    await RelayAsync(command, stoppingToken);
            }
        }
    }

    private async Task AnnounceOnceReadyAsync(Task ready, CancellationToken ct)
    {
        await ready.WaitAsync(ct);
        announcer.Open();
        await announcer.AnnounceAsync(ct);
    }

    private async Task RelayAsync(AgentCommand command, CancellationToken ct)
    {
        var order = command.Order;
        if (view.Worker is not { } worker)
        {
            _log.LogWarning("Order {OrderId} finds no worker.", order.OrderId);
            return;
        }

        try
        {
            if (order is Release release)
                view.Relayed(release);
            await worker.ExecuteAsync(command, ct);
            _log.LogInformation("Order {OrderId} of generation {Generation} is relayed.", order.OrderId, order.Generation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            _log.LogWarning("Order {OrderId} did not reach the worker: {Reason}", order.OrderId, failure.Message);
        }
    }
}
