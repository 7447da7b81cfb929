using Polly;
using Polly.Retry;
using TrainMover.Contracts;
using TrainMover.Contracts.DeadLetters;
using TrainMover.Domain;
using TrainMover.EventLog;
using TrainMover.Messaging;
using TrainMover.ServiceDefaults.Consuming;

namespace TrainMover.Detector;

/// <summary>Reads telemetry in batches. A batch is committed once all of it took effect; what the log cannot take yet is tried until it can.</summary>
public sealed class TelemetryLoop(
    DetectorFacts facts, Started started, KafkaOptions kafka, DeadLetterPublisher deadLetters, KafkaPublisher publisher, ConsumerLag lag, TimeProvider clock, ILogger<BatchReader> logger)
    : BackgroundService
{
    private const int FirstBytes = 1024;

    private static readonly ResiliencePipeline UntilTheLogAnswers = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
    {
        ShouldHandle = new PredicateBuilder().Handle<EventLogUnavailableException>().Handle<BrokerUnavailableException>(),
        MaxRetryAttempts = int.MaxValue,
        BackoffType = DelayBackoffType.Exponential,
        Delay = TimeSpan.FromMilliseconds(100),
        MaxDelay = TimeSpan.FromSeconds(2),
    }).Build();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await started.WaitAsync(stoppingToken);
        var reader = new BatchReader(kafka, Topics.Telemetry, deadLetters, lag, logger);
        await foreach (var batch in reader.ReadAsync(stoppingToken))
        {
            var read = clock.GetUtcNow();
            foreach (var message in batch.Messages.Where(message => !facts.Note(message.Envelope.Source, message.Envelope.Id, message.Envelope.Data)))
                await UntilTheLogAnswers.ExecuteAsync(async ct => await ObserveAsync(message, ct), stoppingToken);
            await UntilTheLogAnswers.ExecuteAsync(async ct => await facts.SettleAsync(ct), stoppingToken);
            foreach (var message in batch.Messages)
                CrashPoints.Hit(CrashPoints.BeforeOffsetCommit, message.Envelope.Type);
            batch.Commit();
            if (batch.IsUpToDate) facts.Listened(read);
        }
    }

    private async ValueTask ObserveAsync(Message message, CancellationToken ct)
    {
        try
        {
            await facts.ObserveAsync(message.Envelope.ToFact(), message.Envelope.Data, ct);
        }
        catch (DomainRuleException refused)
        {
            var body = EnvelopeFormat.Write(message.Envelope);
            var letter = new DeadLettered(
                DeadLetterReason.Poison, refused.Message, message.Origin.Topic, message.Origin.Partition, message.Origin.Offset,
                Convert.ToBase64String(body.AsSpan(0, Math.Min(body.Length, FirstBytes))), message.Origin.Key, kafka.ConsumerGroup);
            await publisher.PublishAsync(message.Origin.Key, publisher.Wrap(letter, message.Origin.Key, $"{message.Origin.Topic}/{message.Origin.Partition}/{message.Origin.Offset}"), ct);
        }
    }
}

/// <summary>Lets the detectors look for silence.</summary>
public sealed class SilenceLoop(DetectorFacts facts, Started started, TimeProvider clock, ILogger<SilenceLoop> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await started.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await facts.TickAsync(stoppingToken);
            }
            catch (EventLogUnavailableException unavailable)
            {
                logger.LogDebug("Silence is judged again when the log answers: {Reason}", unavailable.Message);
            }
        }
    }
}
