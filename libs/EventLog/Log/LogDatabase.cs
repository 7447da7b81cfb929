using System.Net.Sockets;
using JasperFx;
using JasperFx.Events;
using Marten;
using Npgsql;
using Weasel.Core;

namespace TrainMover.EventLog;

/// <summary>The database of the log: connections with deadlines, typed errors and the schema.</summary>
public sealed class LogDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source;
    private readonly NpgsqlDataSource _unpooled;
    private readonly SemaphoreSlim _schemaGate = new(1, 1);
    private readonly Dictionary<Type, string> _names;
    private volatile bool _schemaReady;

    /// <summary>Prepares access; connects with the first call.</summary>
    /// <param name="connectionString">Npgsql connection string.</param>
    /// <param name="options">Options of this service.</param>
    /// <param name="time">Clock; null for the system's.</param>
    /// <exception cref="InvalidOperationException">The options contradict themselves.</exception>
    public LogDatabase(string connectionString, EventLogOptions options, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        Time = time ?? TimeProvider.System;
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Timeout = (int)options.ConnectTimeout.TotalSeconds,
            CommandTimeout = (int)options.CommandTimeout.TotalSeconds,
            KeepAlive = 10,
            ApplicationName = Environment.GetEnvironmentVariable("TRAINMOVER_SERVICE") ?? "trainmover",
        };
        Endpoint = $"{settings.Host}:{settings.Port}";
        _source = NpgsqlDataSource.Create(settings);
        _unpooled = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false });
        _names = options.Events.ToDictionary(pair => pair.Value, pair => pair.Key);
        Documents = DocumentStore.For(ConfigureMarten);
        Channel = $"{options.Schema}_log";
    }

    /// <summary>The Marten store, for projections and queries of a service's own.</summary>
    public IDocumentStore Documents { get; }

    internal EventLogOptions Options { get; }

    internal TimeProvider Time { get; }

    internal string Endpoint { get; }

    /// <summary>NOTIFY channel on which every append is announced.</summary>
    internal string Channel { get; }

    internal string Schema => Options.Schema;

    /// <summary>Creates or completes the schema, once per process; an advisory lock lets several processes start at once.</summary>
    /// <exception cref="EventLogUnavailableException">The database does not answer.</exception>
    public async Task EnsureSchemaAsync(CancellationToken ct = default)
    {
        if (_schemaReady)
            return;
        await _schemaGate.WaitAsync(ct);
        try
        {
            if (!_schemaReady)
                await ConnectAndRunAsync(_source, async connection => { await LogSchema.EnsureAsync(connection, this, ct); return true; }, ct);
            _schemaReady = true;
        }
        finally
        {
            _schemaGate.Release();
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        Documents.Dispose();
        await _source.DisposeAsync();
        await _unpooled.DisposeAsync();
        _schemaGate.Dispose();
    }

    internal string NameOf(object data) => _names.TryGetValue(data.GetType(), out var name)
        ? name
        : throw new ArgumentException($"{data.GetType().Name} is not a registered event: add it, with a versioned name, to EventLogOptions.Events.", nameof(data));

    /// <summary>Runs work on a connection of the pool, the schema being there, and turns outages into <see cref="EventLogUnavailableException"/>.</summary>
    internal async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken ct)
    {
        await EnsureSchemaAsync(ct);
        return await ConnectAndRunAsync(_source, work, ct);
    }

    /// <summary>The same on a connection of its own: locks and subscriptions of the session end with it, not with its next use.</summary>
    internal async Task RunDedicatedAsync(Func<NpgsqlConnection, Task> work, CancellationToken ct)
    {
        await EnsureSchemaAsync(ct);
        await ConnectAndRunAsync(_unpooled, async connection => { await work(connection); return true; }, ct);
    }

    /// <summary>A key for PostgreSQL's advisory locks, stable over processes and versions.</summary>
    internal long LockKey(string name)
    {
        const ulong offset = 14695981039346656037, prime = 1099511628211;
        return unchecked((long)$"{Schema}/{name}".Aggregate(offset, (hash, letter) => (hash ^ letter) * prime));
    }

    private async Task<T> ConnectAndRunAsync<T>(NpgsqlDataSource source, Func<NpgsqlConnection, Task<T>> work, CancellationToken ct)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            return await work(connection);
        }
        catch (Exception failure) when (!ct.IsCancellationRequested && IsOutage(failure))
        {
            throw new EventLogUnavailableException(Endpoint, failure);
        }
    }

    private static bool IsOutage(Exception? failure) => failure switch
    {
        null => false,
        EventLogUnavailableException => false,
        PostgresException postgres => postgres.SqlState is ['0', '8', ..] or ['5', '7', 'P', '0', '1' or '2' or '3' or '5'] or "53300" or "25P03",
        NpgsqlException or SocketException or IOException or TimeoutException => true,
        _ => IsOutage(failure.InnerException),
    };

    // Marten puts an enum converter of its own in front; what is stored must be what was hashed.
    private void UseOwnConverters(System.Text.Json.JsonSerializerOptions json)
    {
        json.Converters.Clear();
        foreach (var converter in Options.Json.Converters)
            json.Converters.Add(converter);
    }

    private void ConfigureMarten(StoreOptions marten)
    {
        marten.Connection(_source);
        marten.DatabaseSchemaName = Options.Schema;
        marten.Events.DatabaseSchemaName = Options.Schema;
        marten.AutoCreateSchemaObjects = AutoCreate.None;
        marten.UseSystemTextJsonForSerialization(new System.Text.Json.JsonSerializerOptions(Options.Json), EnumStorage.AsString, Casing.CamelCase, UseOwnConverters);
        marten.Events.StreamIdentity = StreamIdentity.AsString;
        // Ids, versions, time stamps and sequences must be known before the commit: they are hashed and handed to the publisher.
        marten.Events.AppendMode = EventAppendMode.Rich;
        marten.Events.TimeProvider = Time;
        marten.Events.MetadataConfig.EnableAll();
        foreach (var (name, type) in Options.Events)
            marten.Events.MapEventType(type, name);
    }
}
