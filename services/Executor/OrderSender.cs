using System.Collections.Concurrent;
using TrainMover.Contracts.Commands;
using TrainMover.Domain;
using TrainMover.Domain.Migrations;
using TrainMover.EventLog;
using TrainMover.Messaging;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.Executor;

/// <summary>
/// Sends the orders that events call for: at once after this service's own commit, and, as the guarantee, when the event comes back from Kafka.
/// </summary>
public sealed class OrderSender(KafkaPublisher publisher, ILogger<OrderSender> logger) : ICommitted
{
    private const int Remembered = 10_000;

    private readonly ConcurrentDictionary<string, byte> _sent = new(StringComparer.Ordinal);

    public async Task CommittedAsync(IReadOnlyList<LoggedEvent> events, World world, CancellationToken ct)
    {
        foreach (var logged in events)
        {
            try
            {
                await SendAsync(logged.Id.ToString(), Orders.For(logged.Data, world), ct);
            }
            catch (BrokerUnavailableException away)
            {
                logger.LogWarning("The orders of {Type} are sent when Kafka delivers it: {Reason}", logged.Type, away.Message);
            }
        }
    }

    /// <summary>Sends the orders of an event unless this process has sent them.</summary>
    public async Task SendAsync(string eventId, IReadOnlyList<AgentOrder> orders, CancellationToken ct)
    {
        if (orders.Count == 0 || _sent.ContainsKey(eventId)) return;
        await SendAsync(orders, ct);
        if (_sent.Count >= Remembered) _sent.Clear();
        _sent[eventId] = 0;
    }

    public Task SendAsync(IReadOnlyList<AgentOrder> orders, CancellationToken ct) => Task.WhenAll(orders.Select(order => publisher.PublishAsync(
        order.MachineId, publisher.Wrap(new AgentCommand(order), order.MachineId) with { Generation = order.Generation, CorrelationId = order.OrderId }, ct)));
}
