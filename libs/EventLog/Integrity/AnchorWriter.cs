using Microsoft.Extensions.Logging;
using Npgsql;

namespace TrainMover.EventLog;

/// <summary>
/// Writes an anchor over each batch of settled events, into the database and into the file outside it. One process writes at a time; whoever
/// takes over completes what a crash left half-done.
/// </summary>
public sealed class AnchorWriter
{
    private readonly LogDatabase _database;
    private readonly AnchorOptions _options;
    private readonly AnchorStore _store;
    private readonly LogTail _tail;
    private readonly LogFollower _follower;

    /// <summary>Prepares anchoring; nothing happens before <see cref="RunAsync"/> or <see cref="AnchorAsync"/>.</summary>
    /// <param name="database">Database whose options say where anchors go.</param>
    /// <param name="logger">Told of failures once per change of state.</param>
    /// <exception cref="InvalidOperationException">The options name no anchors.</exception>
    public AnchorWriter(LogDatabase database, ILogger<AnchorWriter> logger)
    {
        ArgumentNullException.ThrowIfNull(database);
        _database = database;
        _options = database.Options.Anchors ?? throw new InvalidOperationException("EventLog: say where anchors go with EventLogOptions.Anchor(file).");
        _store = new AnchorStore(database);
        _tail = new LogTail(database);
        _follower = new LogFollower(database, "anchors", logger);
    }

    /// <summary>Anchors until cancelled, and once more on the way out, so that an orderly stop leaves no tail.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        await _follower.RunAsync(
            async (connection, token) =>
            {
                var pass = await PassAsync(connection, token);
                if (pass != LogFollower.Pass.Idle)
                    await Task.Delay(_options.Interval, _database.Time, token);
                return pass;
            }, ct);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(2), _database.Time);
        try
        {
            await AnchorAsync(deadline.Token);
        }
        catch (Exception failure) when (failure is EventLogUnavailableException or OperationCanceledException)
        {
            // The next writer covers the tail.
        }
    }

    /// <summary>Anchors everything that is settled now; does nothing while another process is the writer.</summary>
    /// <returns>Whether this process was the writer.</returns>
    public Task<bool> AnchorAsync(CancellationToken ct = default) => _database.RunAsync(
        async connection =>
        {
            var key = _database.LockKey("leader/anchors");
            await using var take = MartenEventLog.Command(connection, "select pg_try_advisory_lock($1)", [key]);
            if (await take.ExecuteScalarAsync(ct) is not true)
                return false;
            try
            {
                while (await PassAsync(connection, ct) == LogFollower.Pass.Again)
                {
                }
            }
            finally
            {
                await using var release = MartenEventLog.Command(connection, "select pg_advisory_unlock($1)", [key]);
                await release.ExecuteNonQueryAsync(CancellationToken.None);
            }

            return true;
        }, ct);

    private async Task<LogFollower.Pass> PassAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var last = await _store.LastAsync(connection, ct);
        if (last is { Outside: false } open)
            await CarryOutsideAsync(connection, open.Anchor, ct);
        var (rows, stalled) = await _tail.ReadAsync(connection, last?.Anchor.To ?? 0, _options.BatchSize, ct);
        if (rows.Count == 0)
            return stalled ? LogFollower.Pass.Stalled : LogFollower.Pass.Idle;

        var anchor = Anchor.Over(
            last?.Anchor, [.. rows.Select(row => new AnchorLeaf(row.Sequence, row.Stream, row.Version, row.Id, row.Hash ?? ""))], _database.Time.GetUtcNow());
        await _store.InsertAsync(connection, anchor, ct);
        await CarryOutsideAsync(connection, anchor, ct);
        return stalled ? LogFollower.Pass.Stalled : LogFollower.Pass.Again;
    }

    private async Task CarryOutsideAsync(NpgsqlConnection connection, Anchor anchor, CancellationToken ct)
    {
        if (_options.File is not { } file)
            return;
        await AnchorFile.AppendAsync(file, anchor, ct);
        await _store.MarkOutsideAsync(connection, anchor.Number, ct);
    }
}
