using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace TrainMover.ServiceDefaults.Hosting;

/// <summary>One call that gives every service the same health endpoint, logging, metrics and traces.</summary>
public static class ServiceHost
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(5);

    /// <summary>A builder of a service that listens on a free loopback port, and, where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set, exports telemetry.</summary>
    /// <param name="name">Name of the process, for example <c>planner</c>.</param>
    /// <param name="args">Command line.</param>
    public static WebApplicationBuilder CreateBuilder(string name, string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(Options(args));
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
        });
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("MassTransit", LogLevel.Warning);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddHealthChecks();
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService($"trainmover-{name}"))
            .WithMetrics(metrics => metrics.AddMeter("TrainMover.*").AddRuntimeInstrumentation())
            .WithTracing(traces => traces.AddSource("TrainMover.*").AddSource("MassTransit").AddSource("Marten"));
        if (builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 }) telemetry.UseOtlpExporter();
        return builder;
    }

    /// <summary>
    /// Where a host looks for settings files: beside its program. It watches that folder and all below it, and the working folder, which is the default, may be one in which logs and databases are written: each write
    /// would wake each service.
    /// </summary>
    /// <param name="args">Command line; null for none.</param>
    public static WebApplicationOptions Options(string[]? args = null) => new() { Args = args, ContentRootPath = AppContext.BaseDirectory };

    /// <summary>Runs the service until it is told to end; writes its URL to <c>NAME.url</c> in the run folder once it listens.</summary>
    public static async Task RunAsync(this WebApplication app, string name, string runFolder)
    {
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = WriteHealthAsync });
        await app.StartAsync();
        Directory.CreateDirectory(runFolder);
        var url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        var file = Path.Combine(runFolder, $"{name}.url");
        await File.WriteAllTextAsync($"{file}.{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}", url);
        File.Move($"{file}.{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}", file, overwrite: true);
        await app.WaitForShutdownAsync();
    }

    /// <summary>Says on standard error why the service does not start; its exit code.</summary>
    public static int Refuse(string name, string rule)
    {
        Console.Error.WriteLine($"{name} does not start: {rule}");
        return 2;
    }

    private static Task WriteHealthAsync(HttpContext context, HealthReport report) => context.Response.WriteAsJsonAsync(new
    {
        status = report.Status.ToString(),
        checks = report.Entries.ToDictionary(
            entry => entry.Key,
            entry => new { status = entry.Value.Status.ToString(), detail = entry.Value.Description ?? entry.Value.Exception?.Message, data = entry.Value.Data }),
    });
}
