using MassTransit;

namespace TrainMover.Messaging;

/// <summary>What a process consumes.</summary>
public sealed class MessagingBuilder
{
    private readonly Dictionary<string, Subscription> _subscriptions = [];

    /// <summary>Called after a message was handled and before its offset is committed, with its versioned type: a crash point of fault campaigns. Default none.</summary>
    public Action<string>? BeforeOffsetCommit { get; set; }

    /// <summary>Whether a failure passes, so that the message is tried for as long as it takes. Default <see cref="TransientFaults.IsTransient"/>.</summary>
    public Func<Exception, bool> IsTransient { get; set; } = TransientFaults.IsTransient;

    internal IEnumerable<Subscription> Subscriptions => _subscriptions.Values;

    internal List<Action<IRegistrationConfigurator>> Registrations { get; } = [];

    /// <summary>
    /// Lets a MassTransit consumer handle, from a topic, the messages whose <c>IConsumer&lt;Received&lt;T&gt;&gt;</c> it implements. It is made anew, with a
    /// service scope of its own, for each try of each message. Drop repeats there, by source and id, in the transaction of the effect.
    /// </summary>
    /// <typeparam name="TConsumer">The consumer.</typeparam>
    /// <param name="topic">Name without prefix.</param>
    /// <exception cref="KafkaOptionsException">It handles nothing, or another consumer of the topic handles the same message.</exception>
    public MessagingBuilder Consume<TConsumer>(string topic)
        where TConsumer : class, IConsumer
    {
        if (!_subscriptions.TryGetValue(topic, out var subscription))
            _subscriptions[topic] = subscription = new Subscription(topic);
        subscription.Add<TConsumer>();
        Registrations.Add(bus => bus.AddConsumer<TConsumer>());
        return this;
    }
}
