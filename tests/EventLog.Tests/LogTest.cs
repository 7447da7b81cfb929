using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using TrainMover.Fixtures;

namespace TrainMover.EventLog.Tests;

/// <summary>A schema of its own for every test, and the few words the tests are written in.</summary>
public abstract class LogTest(PostgresFixture postgres) : IAsyncLifetime
{
    protected static readonly AppendContext Tester = new("tester", "story-1", "cause-1");
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromSeconds(40));
    private readonly List<LogDatabase> _databases = [];

    protected string Schema { get; } = PostgresFixture.NewSchema();

    protected string ConnectionString => postgres.ConnectionString;

    protected CancellationToken Ct => _deadline.Token;

    protected LogDatabase Database { get; private set; } = null!;

    protected IEventLog Log { get; private set; } = null!;

    public virtual ValueTask InitializeAsync()
    {
        Database = Open();
        Log = new MartenEventLog(Database);
        return ValueTask.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var database in _databases)
            await database.DisposeAsync();
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var drop = new NpgsqlCommand($"drop schema if exists {Schema} cascade", connection);
        await drop.ExecuteNonQueryAsync();
        _deadline.Dispose();
    }

    protected LogDatabase Open(Action<EventLogOptions>? configure = null, TimeProvider? time = null, string? connectionString = null)
    {
        var options = new EventLogOptions { Schema = Schema, Events = LedgerEvents.All };
        configure?.Invoke(options);
        var database = new LogDatabase(connectionString ?? ConnectionString, options, time);
        _databases.Add(database);
        return database;
    }

    internal LogPublisher Publisher(RecordingPublisher into, LogDatabase? database = null, params string[] types) => new(
        database ?? Open(options => options.Publish("tests", types.Length == 0 ? LedgerEvents.All.Keys : types)), into, NullLogger<LogPublisher>.Instance);

    /// <summary>Runs a publisher until disposed.</summary>
    protected static Running Run(LogPublisher publisher) => new(publisher);

    protected async Task<AppendResult> AppendAsync(string stream, long? expected, params object[] events) =>
        await Log.AppendAsync([new StreamAppend(stream, expected, events)], Tester, Ct);

    /// <summary>What somebody with access to the database does behind the log's back.</summary>
    protected async Task TamperAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(Ct);
        await using var command = new NpgsqlCommand($"set search_path to {Schema}; {sql}", connection);
        await command.ExecuteNonQueryAsync(Ct);
    }

    protected sealed class Running : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly LogPublisher _publisher;
        private readonly Task _run;

        public Running(LogPublisher publisher)
        {
            _publisher = publisher;
            _run = publisher.RunAsync(_stop.Token);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run.WaitAsync(TimeSpan.FromSeconds(10));
            _stop.Dispose();
            _publisher.Dispose();
        }
    }
}
