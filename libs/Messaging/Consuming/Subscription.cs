using MassTransit;
using MassTransit.Transports;

namespace TrainMover.Messaging;

/// <summary>Which consumer of a topic handles which message, and how MassTransit reaches it.</summary>
internal sealed class Subscription(string topic)
{
    private readonly Dictionary<Type, Route> _routes = [];

    public string Topic { get; } = topic;

    public IReadOnlyDictionary<Type, Route> Routes => _routes;

    public void Add<TConsumer>()
        where TConsumer : class, IConsumer
    {
        var handled = typeof(TConsumer).GetInterfaces()
            .Where(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IConsumer<>))
            .Select(type => type.GetGenericArguments()[0])
            .Where(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Received<>))
            .ToArray();
        if (handled.Length == 0)
            throw new KafkaOptionsException($"{typeof(TConsumer).Name} handles nothing: implement IConsumer<Received<...>>.");
        foreach (var received in handled)
        {
            var body = received.GetGenericArguments()[0];
            if (!_routes.TryAdd(body, new Route(typeof(TConsumer), MessageUrn.ForTypeString(received), static factory => factory.CreateConsumerReceiver<TConsumer>(typeof(TConsumer).Name))))
                throw new KafkaOptionsException($"{typeof(TConsumer).Name} and {_routes[body].Consumer.Name} both handle {body.Name} on '{Topic}': one of them may.");
        }
    }

    /// <param name="Consumer">MassTransit consumer.</param>
    /// <param name="MessageUrn">MassTransit's name of the message type, so that only the right method of the consumer runs.</param>
    /// <param name="Dispatcher">Makes the way into MassTransit.</param>
    internal sealed record Route(Type Consumer, string MessageUrn, Func<IReceiveEndpointDispatcherFactory, IReceiveEndpointDispatcher> Dispatcher);
}
