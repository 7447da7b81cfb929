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
/// Does at start what would otherwise be done for the first time in a pause (ADR 4): writes and reads every message once, decides a small migration in memory, and records in the log that the
/// service started, by the path that a decision takes.
/// </summary>
internal sealed class ServiceRehearsal(IEventLog log, LogPublisher publisher, ServiceIdentity service, ILogger<ServiceRehearsal> logger) : OnceLogAnswers(logger)
{
    private static readonly string Version = Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    private readonly ServiceStarted _started = new(service.Name, $"{Guid.CreateVersion7()}", Version, Environment.ProcessId);

    protected override async Task RunOnceAsync(CancellationToken ct)
    {
        await Task.Run(() => (MessageRehearsal.Run(Topics.All), DomainRehearsal.Play()), ct);
        var start = new StreamAppend($"service-{_started.Service}-{_started.InstanceId}", ExpectedVersion: 0, [_started]);
        var once = new ProcessedMessage(service.Name, $"/trainmover/{service.Name}/start", _started.InstanceId);
        var appended = await log.AppendAsync([start], new AppendContext(service.Name, Processed: once), ct);
        await publisher.DirectPublishAsync(appended, ct);
    }
}
