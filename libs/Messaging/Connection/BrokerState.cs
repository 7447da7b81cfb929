using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace TrainMover.Messaging;

/// <summary>Whether the broker answers a client, logged once per change.</summary>
internal sealed class BrokerState(string client, string bootstrapServers, ILogger logger)
{
    private volatile bool _away;
    private volatile int _errors;

    /// <summary>Counts what disturbed the connection; a change means that the cluster may be another one.</summary>
    public int Errors => _errors;

    public bool IsAway => _away;

    public void OnError(Error error)
    {
        if (error.Code is ErrorCode.Local_AllBrokersDown or ErrorCode.Local_Transport or ErrorCode.Local_TimedOut or ErrorCode.Local_Resolve or ErrorCode.Local_Authentication)
        {
            Interlocked.Increment(ref _errors);
            Away(error.Reason);
        }
        else
            logger.LogDebug("{Client}: {Reason}", client, error.Reason);
    }

    public void Away(string reason)
    {
        if (_away)
            return;
        _away = true;
        logger.LogWarning("{Client}: Kafka at {BootstrapServers} does not answer ({Reason}); retrying until it does", client, bootstrapServers, reason);
    }

    public void Answers()
    {
        if (!_away)
            return;
        _away = false;
        logger.LogInformation("{Client}: Kafka at {BootstrapServers} answers again", client, bootstrapServers);
    }
}
