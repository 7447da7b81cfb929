using System.Collections.Concurrent;

namespace TrainMover.Messaging;

/// <summary>How far a consumer is behind its topic.</summary>
/// <param name="Topic">Full name of the topic.</param>
/// <param name="Group">Consumer group.</param>
/// <param name="Lag">Messages that it has not handled, over all its partitions.</param>
/// <param name="Healthy">False when it is further behind than allowed, stuck on a message, or without a broker.</param>
/// <param name="Detail">One plain sentence.</param>
public sealed record LagStatus(string Topic, string Group, long Lag, bool Healthy, string Detail);

/// <summary>The lag of every consumer of this process, for its health answer: a consumer that is far behind reads as unhealthy.</summary>
public sealed class ConsumerLag
{
    private readonly ConcurrentDictionary<string, LagStatus> _statuses = new();

    /// <summary>Latest status of each consumer, ordered by topic.</summary>
    public IReadOnlyList<LagStatus> Statuses => [.. _statuses.Values.OrderBy(status => status.Topic, StringComparer.Ordinal)];

    /// <summary>Whether all consumers are healthy. True when there is none.</summary>
    public bool Healthy => _statuses.Values.All(status => status.Healthy);

    internal void Report(LagStatus status) => _statuses[status.Group + "/" + status.Topic] = status;
}
