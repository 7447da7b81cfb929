using System.Threading.Channels;
using TrainMover.Contracts.Progress;
using TrainMover.Contracts.Telemetry;
using TrainMover.Messaging;
using MessageKey = TrainMover.Contracts.MessageKey;

namespace TrainMover.Agent;

/// <summary>
/// The way to the broker. Reports are kept in order until the broker has them, however long it is away; when too many wait, their senders wait.
/// So are faults, which wait behind nobody. Other telemetry is kept too, but the oldest goes first when there is too much.
/// </summary>
internal sealed class Outgoing(KafkaPublisher publisher, ILogger<Outgoing> log) : BackgroundService
{
    private const int WaitingReports = 4096;
    private const int WaitingTelemetry = 2048;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(250);

    private readonly Channel<(object Body, Action? Published)> _reports = Channel.CreateBounded<(object, Action?)>(
        new BoundedChannelOptions(WaitingReports) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Channel<(object Body, Action? Published)> _telemetry = Channel.CreateBounded<(object, Action?)>(
        new BoundedChannelOptions(WaitingTelemetry) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest });

    private readonly Channel<(object Body, Action? Published)> _faults = Channel.CreateUnbounded<(object, Action?)>(new UnboundedChannelOptions { SingleReader = true });

    private volatile string? _trouble;

    /// <summary>Why the broker did not take the last message; null when it did.</summary>
    public string? Trouble => _trouble;

    /// <summary>Reports that wait for the broker.</summary>
    public int Waiting => _reports.Reader.Count;

    /// <summary>Gives a report its place in the queue. <paramref name="published"/> is called when the broker has it.</summary>
    public ValueTask ReportAsync(AgentReport report, Action? published, CancellationToken ct) => _reports.Writer.WriteAsync((report, published), ct);

    /// <summary>Takes telemetry without waiting.</summary>
    public void Tell(object message) => (message is WorkerExited or PeerUnreachable or KernelFaultSeen or SourceSight ? _faults : _telemetry).Writer.TryWrite((message, null));

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(PublishAsync(_reports.Reader, stoppingToken), PublishAsync(_faults.Reader, stoppingToken), PublishAsync(_telemetry.Reader, stoppingToken));

    private async Task PublishAsync(ChannelReader<(object Body, Action? Published)> queue, CancellationToken ct)
    {
        await foreach (var (body, published) in queue.ReadAllAsync(ct))
        {
            // One envelope for all attempts: receivers drop repeats by its id.
            var key = MessageKey.Of(body);
            var envelope = publisher.Wrap(body, key);
            while (!await TryPublishAsync(key, envelope, ct))
                await Task.Delay(RetryInterval, ct);
            published?.Invoke();
        }
    }

    private async Task<bool> TryPublishAsync(string key, Envelope envelope, CancellationToken ct)
    {
        try
        {
            await publisher.PublishAsync(key, envelope, ct);
            _trouble = null;
            return true;
        }
        catch (BrokerUnavailableException away)
        {
            _trouble = away.Message;
            return false;
        }
        catch (MessageTooLargeException tooLarge)
        {
            log.LogError("A message is dropped: {Reason}", tooLarge.Message);
            return true;
        }
    }
}
