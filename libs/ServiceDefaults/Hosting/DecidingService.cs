using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using TrainMover.Contracts;
using TrainMover.EventLog;
using TrainMover.Messaging;
using TrainMover.ServiceDefaults.Deciding;
using TrainMover.ServiceDefaults.Publishing;

namespace TrainMover.ServiceDefaults.Hosting;

/// <summary>What Detector, Planner and Executor have in common: event log, publishing, Kafka, decisions, health.</summary>
public static class DecidingService
{
    /// <summary>Adds all of it.</summary>
    /// <param name="builder">From <see cref="ServiceHost.CreateBuilder"/>.</param>
    /// <param name="name">Name of the service: actor of its events, its consumer group, its publication.</param>
    /// <param name="settings">Surroundings.</param>
    /// <param name="owned">Whether this service publishes events of a type.</param>
    /// <param name="consume">What it consumes.</param>
    public static WebApplicationBuilder AddDecidingService(
        this WebApplicationBuilder builder, string name, DeploymentSettings settings, Func<CatalogEntry, bool> owned, Action<MessagingBuilder> consume)
    {
        var services = builder.Services;
        services.AddSingleton(settings).AddSingleton(new ServiceIdentity(name));
        services.AddEventLog(settings.Postgres!, log =>
        {
            log.Schema = settings.Schema;
            log.Events = Catalog.LoggedEvents;
            log.Json = Catalog.Json;
            log.Publish(name, Catalog.Entries.Where(owned).Select(entry => entry.Name));
            log.Anchor(settings.AnchorFile);
        });
        services.AddSingleton<IEventPublisher, LogToKafka>();
        services.AddKafkaMessaging(KafkaOptions.FromEnvironment(name), messaging =>
        {
            messaging.BeforeOffsetCommit = type => CrashPoints.Hit(CrashPoints.BeforeOffsetCommit, type);
            messaging.IsTransient = failure => IsTransient(failure) || TransientFaults.IsTransient(failure);
            consume(messaging);
        });
        services.AddSingleton<DecisionRunner>();
        services.AddHostedService<ClusterWatch>().AddHostedService<ServiceRehearsal>();
        services.AddHealthChecks().AddCheck<LogHealth>("event-log").AddCheck<KafkaHealth>("kafka");
        return builder;
    }

    private static bool IsTransient(Exception failure) =>
        failure is EventLogUnavailableException or StreamConflictException || (failure.InnerException is { } inner && IsTransient(inner));

    private sealed class LogHealth(DecisionRunner runner) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                return HealthCheckResult.Healthy($"read up to event {await runner.SeenAsync(cancellationToken)}");
            }
            catch (EventLogUnavailableException unavailable)
            {
                return HealthCheckResult.Unhealthy(unavailable.Message);
            }
        }
    }

    private sealed class KafkaHealth(ConsumerLag lag) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            var detail = string.Join("; ", lag.Statuses.Select(status => $"{status.Topic}: {status.Detail}"));
            return Task.FromResult(lag.Healthy ? HealthCheckResult.Healthy(detail) : HealthCheckResult.Unhealthy(detail));
        }
    }
}
