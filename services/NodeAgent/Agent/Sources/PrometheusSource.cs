using TrainMover.Contracts.Telemetry;
using TrainMover.Telemetry;
using TrainMover.Telemetry.Metrics;
using TrainMover.Telemetry.Prometheus;

namespace TrainMover.Agent.Sources;

/// <summary>Scrapes the machine's exporter and tells what its devices say. An exporter that is silent leaves the source blind.</summary>
internal sealed class PrometheusSource(AgentOptions options, Outgoing outgoing, TimeProvider clock, ILogger<PrometheusSource> log) : BackgroundService
{
    private const string Name = "prometheus";
    private const int MostMetrics = 4096;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Scrape is not { } scrape) return;
        using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        var scraper = new PrometheusScraper(client, scrape, clock);
        var sight = new Sight(scrape.BlindAfter);
        using var timer = new PeriodicTimer(scrape.Interval, clock);
        do
        {
            try
            {
                Tell(await scraper.ScrapeAsync(stoppingToken));
                Tell(sight.Saw());
            }
            catch (ScrapeException failure)
            {
                log.LogDebug("A scrape brought nothing: {Reason}", failure.Message);
                Tell(sight.Missed(failure.Message));
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private void Tell(PrometheusScrape scrape)
    {
        var metrics = DcgmMetrics.Map(scrape.Samples).Where(sample => DeviceMetrics.IsKnown(sample.Metric)).Take(MostMetrics)
            .Select(sample => new DeviceMetric(sample.Device, sample.Metric, sample.Value)).ToList();
        if (metrics.Count > 0) outgoing.Tell(new DeviceMetricsTaken(options.Machine, clock.GetUtcNow(), metrics));
    }

    private void Tell(SightChange? change)
    {
        if (change is not null) outgoing.Tell(new SourceSight(options.Machine, Name, change.IsBlind, change.Reason));
    }
}
