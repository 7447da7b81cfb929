using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace TrainMover.EventLog;

/// <summary>Registers the event log in a service.</summary>
public static class EventLogRegistration
{
    /// <summary>
    /// Adds <see cref="IEventLog"/>, <see cref="LogDatabase"/> and <see cref="IntegrityVerifier"/>; with a publication also <see cref="LogPublisher"/> and its background
    /// service (register an <see cref="IEventPublisher"/> for it), with anchors the <see cref="AnchorWriter"/>.
    /// </summary>
    /// <param name="services">Services of the host.</param>
    /// <param name="connectionString">Npgsql connection string.</param>
    /// <param name="configure">Sets the options.</param>
    /// <exception cref="InvalidOperationException">The options contradict themselves.</exception>
    public static IServiceCollection AddEventLog(this IServiceCollection services, string connectionString, Action<EventLogOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new EventLogOptions();
        configure(options);
        options.Validate();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new LogDatabase(connectionString, options, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IEventLog>(provider => new MartenEventLog(provider.GetRequiredService<LogDatabase>()));
        services.AddSingleton<IntegrityVerifier>();
        if (options.Publication is not null)
        {
            services.AddSingleton<LogPublisher>();
            services.AddHostedService<PublishingService>();
        }

        if (options.Anchors is { Write: true })
        {
            services.AddSingleton<AnchorWriter>();
            services.AddHostedService<AnchoringService>();
        }

        return services;
    }

    private sealed class PublishingService(LogPublisher publisher) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => publisher.RunAsync(stoppingToken);
    }

    private sealed class AnchoringService(AnchorWriter writer) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => writer.RunAsync(stoppingToken);
    }
}
