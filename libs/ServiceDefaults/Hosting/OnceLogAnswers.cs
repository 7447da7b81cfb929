using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TrainMover.EventLog;

namespace TrainMover.ServiceDefaults.Hosting;

/// <summary>Does something once at start, as soon as the event log answers.</summary>
/// <param name="logger">Told when it has to wait.</param>
public abstract class OnceLogAnswers(ILogger logger) : BackgroundService
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    /// <summary>What is to be done.</summary>
    /// <param name="ct">Ends with the service.</param>
    protected abstract Task RunOnceAsync(CancellationToken ct);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunOnceAsync(stoppingToken);
                return;
            }
            catch (EventLogUnavailableException unavailable)
            {
                logger.LogWarning("Trying again in {Seconds} s: {Reason}", Retry.TotalSeconds, unavailable.Message);
                await Task.Delay(Retry, stoppingToken);
            }
        }
    }
}
