using System.Data.Common;
using System.Net.Sockets;
using Confluent.Kafka;

namespace TrainMover.Messaging;

/// <summary>Tells a fault that passes (a database or broker that is away) from one that comes again with the same message.</summary>
public static class TransientFaults
{
    /// <summary>Whether the exception, or one inside it, is of a kind that passes.</summary>
    /// <param name="failure">What handling a message threw.</param>
    public static bool IsTransient(Exception failure) => failure switch
    {
        AggregateException several => several.InnerExceptions.Any(IsTransient),
        BrokerUnavailableException or SocketException or IOException or TimeoutException => true,
        DbException database when database.IsTransient || IsShutdown(database.SqlState) => true,
        KafkaException kafka when kafka.Error.IsLocalError && !kafka.Error.IsFatal => true,
        { InnerException: { } inner } => IsTransient(inner),
        _ => false,
    };

    /// <summary>Connection failures (08), lack of resources (53), and a server that is being stopped or started (57P).</summary>
    private static bool IsShutdown(string? state) =>
        state is not null && (state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("53", StringComparison.Ordinal) || state.StartsWith("57P", StringComparison.Ordinal));
}
