using System.Reflection;
using Microsoft.Extensions.Logging;
using TrainMover.Contracts;
using TrainMover.Contracts.Fleet;
using TrainMover.Domain;
using TrainMover.EventLog;
using TrainMover.Messaging;
using TrainMover.ServiceDefaults.Deciding;

namespace TrainMover.ServiceDefaults.Hosting;

/// <summary>
/// Does at start what would otherwise be done for the first time in a pause (ADR 4): writes and reads every message once, decides a small migration in memory, and records that the service
/// started and that it is ready, by the path that decisions take. Twice, since what is compiled on the way the first time lets every answer come before it is waited for, and waiting is code too.
/// </summary>
internal sealed class ServiceRehearsal(IEventLog log, LogPublisher publisher, ServiceIdentity service, TimeProvider clock, ILogger<ServiceRehearsal> logger) : OnceLogAnswers(logger)
{
    private static readonly string Version = Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    private readonly string _instance = $"{Guid.CreateVersion7()}";

    protected override async Task RunOnceAsync(CancellationToken ct)
    {
        await RecordAsync(version: 0, new ServiceStarted(service.Name, _instance, Version, Environment.ProcessId), ct);
        var since = clock.GetTimestamp();
        var (messages, migration) = await Task.Run(() => (MessageRehearsal.Run(Topics.All), DomainRehearsal.Play()), ct);
        await RecordAsync(version: 1, new ServiceReady(service.Name, _instance, messages, migration.Orders, clock.GetElapsedTime(since).TotalMilliseconds), ct);
    }

    // A repeat, after the log was away, finds its event recorded and appends nothing.
    private async Task RecordAsync(long version, object @event, CancellationToken ct)
    {
        var append = new StreamAppend($"service-{service.Name}-{_instance}", version, [@event]);
        var once = new ProcessedMessage(service.Name, $"/trainmover/{service.Name}/{@event.GetType().Name}", _instance);
        await publisher.DirectPublishAsync(await log.AppendAsync([append], new AppendContext(service.Name, Processed: once), ct), ct);
    }
}
