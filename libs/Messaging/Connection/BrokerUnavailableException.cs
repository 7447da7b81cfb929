namespace TrainMover.Messaging;

/// <summary>Kafka did not answer within the deadline. Transient: what was wanted may be tried again.</summary>
public sealed class BrokerUnavailableException : Exception
{
    /// <param name="bootstrapServers">Addresses that were tried.</param>
    /// <param name="wanted">What was wanted, for example <c>publish to trainmover.commands</c>.</param>
    /// <param name="deadline">How long it was waited for.</param>
    /// <param name="inner">What the client said.</param>
    public BrokerUnavailableException(string bootstrapServers, string wanted, TimeSpan deadline, Exception? inner = null)
        : base($"Kafka at {bootstrapServers} did not answer within {deadline.TotalSeconds:0.#} s (wanted: {wanted}). Check that the broker runs and that TRAINMOVER_KAFKA names it.", inner) =>
        BootstrapServers = bootstrapServers;

    /// <summary>Addresses that were tried.</summary>
    public string BootstrapServers { get; }
}

/// <summary>A body is larger than <see cref="KafkaOptions.MaxMessageBytes"/>; it was not sent.</summary>
public sealed class MessageTooLargeException(string message) : Exception(message);
