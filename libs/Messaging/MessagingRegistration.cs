using MassTransit;
using MassTransit.Transports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace TrainMover.Messaging;

/// <summary>Brings Kafka into a service.</summary>
public static class MessagingRegistration
{
    /// <summary>
    /// Registers <see cref="KafkaPublisher"/>, <see cref="DeadLetterPublisher"/>, <see cref="KafkaCluster"/>, <see cref="ConsumerLag"/>, and one background
    /// service per topic that is consumed.
    /// </summary>
    /// <param name="services">Services of the process.</param>
    /// <param name="options">Checked here.</param>
    /// <param name="configure">What is consumed; null for nothing.</param>
    /// <exception cref="KafkaOptionsException">Names the broken rule.</exception>
    public static IServiceCollection AddKafkaMessaging(this IServiceCollection services, KafkaOptions options, Action<MessagingBuilder>? configure = null)
    {
        options.Validate();
        var builder = new MessagingBuilder();
        configure?.Invoke(builder);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<KafkaPublisher>();
        services.AddSingleton<DeadLetterPublisher>();
        services.AddSingleton<KafkaCluster>();
        services.AddSingleton<ConsumerLag>();
        AddBus(services, builder);
        foreach (var subscription in builder.Subscriptions)
        {
            services.AddSingleton<IHostedService>(provider => new ConsumerHost(
                subscription, builder, options, provider.GetRequiredService<IReceiveEndpointDispatcherFactory>(), provider.GetRequiredService<DeadLetterPublisher>(),
                provider.GetRequiredService<ConsumerLag>(), provider.GetRequiredService<TimeProvider>(), provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance));
        }
        return services;
    }

    /// <summary>The bus lives in memory only: it carries messages from Kafka's consumer to MassTransit's.</summary>
    private static void AddBus(IServiceCollection services, MessagingBuilder builder)
    {
        if (builder.Registrations.Count == 0)
            return;
        services.AddMassTransit(bus =>
        {
            // Nothing leaves this host but what its operator configured.
            bus.DisableUsageTelemetry();
            foreach (var register in builder.Registrations)
                register(bus);
            bus.AddConfigureEndpointsCallback((_, endpoint) => endpoint.PublishFaults = false);
            // Without AnyMessageType the header names the message, so that of a consumer with several methods only the right one runs.
            bus.UsingInMemory((_, memory) => memory.UseRawJsonDeserializer(RawSerializerOptions.CopyHeaders, isDefault: true));
        });
    }
}
