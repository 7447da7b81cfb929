using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using TrainMover.Contracts;
using TrainMover.Domain;
using TrainMover.Embedded;
using TrainMover.EventLog;

namespace TrainMover.Cli.CommandLine;

/// <summary>The event log of a deployment, opened for reading and for appending; needs PostgreSQL alone. A private cluster that is not running is started for the while.</summary>
internal sealed class OpenLog : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly EmbeddedPostgres? _started;

    private OpenLog(IHost host, EmbeddedPostgres? started)
    {
        _host = host;
        _started = started;
    }

    public IEventLog Events => _host.Services.GetRequiredService<IEventLog>();

    public IntegrityVerifier Verifier => _host.Services.GetRequiredService<IntegrityVerifier>();

    public static async Task<OpenLog> OpenAsync(Access access, CancellationToken ct)
    {
        var connection = access.RequirePostgres();
        EmbeddedPostgres? started = null;
        if (Access.Variable(Access.PostgresVariable) is null && access.Deployed?.PostgresDirectory is { } cluster && !await AnswersAsync(connection, ct))
        {
            started = await EmbeddedPostgres.StartAsync(cluster, cancellationToken: ct);
            connection = started.ConnectionString;
        }

        try
        {
            await RequireSchemaAsync(connection, access.Schema, ct);
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
            builder.Logging.ClearProviders();
            builder.Services.AddEventLog(connection, options =>
            {
                options.Schema = access.Schema;
                options.Events = Catalog.LoggedEvents;
                options.Json = Catalog.Json;
                options.Anchor(access.Anchors, write: false);
            });
            var host = builder.Build();
            await host.StartAsync(ct);
            return new OpenLog(host, started);
        }
        catch
        {
            if (started is not null) await started.StopAsync(CancellationToken.None);
            throw;
        }
    }

    /// <summary>Everything the log says, folded; as it was known at <paramref name="until"/>.</summary>
    public async Task<World> WorldAsync(CancellationToken ct, DateTimeOffset? until = null)
    {
        var world = new World();
        await foreach (var logged in Events.ReadAllAsync(0, null, ct))
        {
            if (until is null || logged.RecordedAt <= until) world.Apply(logged.Stream, logged.Version, logged.Data);
        }

        return world;
    }

    public async Task<List<LoggedEvent>> AllAsync(CancellationToken ct)
    {
        var events = new List<LoggedEvent>();
        await foreach (var logged in Events.ReadAllAsync(0, null, ct)) events.Add(logged);
        return events;
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
        if (_started is not null) await _started.StopAsync();
    }

    private static async Task<bool> AnswersAsync(string connection, CancellationToken ct)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connection) { Timeout = 2 });
            await using var open = await source.OpenConnectionAsync(ct);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static async Task RequireSchemaAsync(string connection, string schema, CancellationToken ct)
    {
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new NpgsqlConnectionStringBuilder(connection) { Timeout = 5 };
        }
        catch (ArgumentException exception)
        {
            throw new BadInputException($"{Access.PostgresVariable} is no connection string ({exception.Message}): write Host=127.0.0.1;Port=5432;Username=postgres;Database=postgres.");
        }

        await using var source = NpgsqlDataSource.Create(builder);
        try
        {
            await using var command = source.CreateCommand("select exists (select from information_schema.schemata where schema_name = $1)");
            command.Parameters.AddWithValue(schema);
            if (await command.ExecuteScalarAsync(ct) is not true)
                throw new BadInputException($"The database holds no event log in schema {schema}: start a deployment with ./trainmover up, or set TRAINMOVER_SCHEMA.");
        }
        catch (NpgsqlException exception) when (exception is not PostgresException)
        {
            throw new EventLogUnavailableException($"{builder.Host}:{builder.Port}", exception);
        }
    }
}
