using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TrainMover.EventLog;
using TrainMover.Messaging;

namespace TrainMover.ServiceDefaults.Publishing;

/// <summary>Notices that Kafka is another cluster than before, or was emptied, and has the log published again from where every consumer stands.</summary>
public sealed class ClusterWatch(KafkaCluster cluster, LogPublisher publisher, TimeProvider clock, ILogger<ClusterWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                if (await publisher.UseClusterAsync(await cluster.ClusterIdAsync(stoppingToken), stoppingToken))
                    logger.LogWarning("Kafka is another cluster than before: events are published again from where every consumer stands.");
            }
            catch (Exception away) when (away is BrokerUnavailableException or EventLogUnavailableException)
            {
                logger.LogDebug("The cluster is asked again in {Seconds} s: {Reason}", Interval.TotalSeconds, away.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
