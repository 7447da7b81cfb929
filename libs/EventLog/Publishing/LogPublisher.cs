using Microsoft.Extensions.Logging;
using Npgsql;

namespace TrainMover.EventLog;

/// <summary>
/// Publishes the events of a service from the log: in order, none left out, none twice in the ordinary case (after a crash the last batch may come again).
/// A failure is repeated with back-off at the same event. One process leads a publication; others wait for it.
/// </summary>
public sealed class LogPublisher : IDisposable
{
    private readonly LogDatabase _database;
    private readonly PublicationOptions _options;
    private readonly IEventPublisher _publisher;
    private readonly ILogger _logger;
    private readonly PublicationStore _store;
    private readonly LogTail _tail;
    private readonly LogFollower _follower;
    private readonly PublishedStreams _published = new();
    private long _epoch = -1;
    private CancellationTokenSource _reset = new();

    /// <summary>Prepares publishing; nothing happens before <see cref="RunAsync"/>.</summary>
    /// <param name="database">Database whose options name a publication.</param>
    /// <param name="publisher">Where events go.</param>
    /// <param name="logger">Told of failures once per change of state.</param>
    /// <exception cref="InvalidOperationException">The options name no publication.</exception>
    public LogPublisher(LogDatabase database, IEventPublisher publisher, ILogger<LogPublisher> logger)
    {
        ArgumentNullException.ThrowIfNull(database);
        _database = database;
        _options = database.Options.Publication ?? throw new InvalidOperationException("EventLog: name what is published with EventLogOptions.Publish(name, types).");
        _publisher = publisher;
        _logger = logger;
        _store = new PublicationStore(database, _options.Name);
        _tail = new LogTail(database);
        _follower = new LogFollower(database, $"publication/{_options.Name}", logger);
    }

    /// <summary>Whether this process leads the publication now.</summary>
    public bool IsLeader => _follower.IsLeader;

    /// <summary>Publishes until cancelled; outages of database and broker are waited out.</summary>
    public Task RunAsync(CancellationToken ct) => _follower.RunAsync(PassAsync, ct);

    /// <summary>
    /// Shortens the way of fresh events: publishes each at once if its predecessor in the stream was published by this process, and leaves the rest, and
    /// every failure, to the subscription.
    /// </summary>
    /// <param name="result">What the append returned.</param>
    /// <param name="ct">Cancels the attempt; the subscription publishes what is left.</param>
    /// <returns>Whether all of this service's events in it are published now.</returns>
    public async Task<bool> DirectPublishAsync(AppendResult result, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(result);
        var streams = result.Events.Where(one => _options.Types.Contains(one.Type)).GroupBy(one => one.Stream);
        var published = await Task.WhenAll(streams.Select(events => DirectPublishAsync(events, ct)));
        return published.All(all => all);
    }

    private async Task<bool> DirectPublishAsync(IEnumerable<LoggedEvent> ofStream, CancellationToken ct)
    {
        foreach (var logged in ofStream)
        {
            // A process that does not lead would publish what the leader publishes too.
            if (!IsLeader)
                return false;
            try
            {
                if (!await _published.PublishNextAsync(logged, _publisher, ct))
                    return false;
            }
            catch (Exception failure) when (failure is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                _logger.LogDebug(failure, "Direct publish of {Stream} {Version} is left to the subscription", logged.Stream, logged.Version);
                return false;
            }
        }

        return true;
    }

    /// <summary>Says which cluster is published to. When it is another one than before, publishing goes back to the lowest position every consumer has stored.</summary>
    /// <param name="clusterId">Identity of the broker's cluster.</param>
    /// <param name="ct">Cancels the call.</param>
    /// <returns>Whether publishing went back.</returns>
    public async Task<bool> UseClusterAsync(string clusterId, CancellationToken ct = default)
    {
        var changed = await _store.UseClusterAsync(clusterId, ct);
        if (changed)
        {
            // Not disposed: a pass may be about to take its token, and without a timer it holds nothing.
            await Interlocked.Exchange(ref _reset, new CancellationTokenSource()).CancelAsync();
        }

        return changed;
    }

    /// <summary>Events of this service that are beyond the published position.</summary>
    public Task<long> UnpublishedCountAsync(CancellationToken ct = default) => _store.UnpublishedCountAsync(_options.Types, ct);

    /// <inheritdoc />
    public void Dispose() => _reset.Dispose();

    private async Task<LogFollower.Pass> PassAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        // Taken before the position is read: a reset after that cancels this pass.
        var reset = _reset.Token;
        var (position, epoch) = await _store.LoadAsync(connection, ct);
        if (epoch != _epoch)
            _published.Clear();
        _epoch = epoch;

        var (rows, stalled) = await _tail.ReadAsync(connection, position, _options.BatchSize, ct);
        if (rows.Count == 0)
            return stalled ? LogFollower.Pass.Stalled : LogFollower.Pass.Idle;

        using var pass = CancellationTokenSource.CreateLinkedTokenSource(ct, reset);
        var reached = position;
        try
        {
            foreach (var row in rows)
            {
                if (_options.Types.Contains(row.Type))
                    await PublishAsync(connection, row.ToLogged(_database.Options), reached, epoch, pass.Token);
                reached = row.Sequence;
            }
        }
        catch (OperationCanceledException) when (reset.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            return LogFollower.Pass.Again;
        }
        finally
        {
            // Also on the way out: what is published needs not come again after an orderly stop.
            if (reached > position && connection.FullState == System.Data.ConnectionState.Open)
                await _store.StoreAsync(connection, reached, epoch, CancellationToken.None);
        }

        _published.Trim(reached);
        return stalled ? LogFollower.Pass.Stalled : LogFollower.Pass.Again;
    }

    private async Task PublishAsync(NpgsqlConnection connection, LoggedEvent logged, long reached, long epoch, CancellationToken ct)
    {
        var backOff = _options.FirstBackOff;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _published.PublishOnceAsync(logged, _publisher, ct);
                if (attempt > 1)
                    _logger.LogInformation("Publishing {Name} goes on at sequence {Sequence}", _options.Name, logged.Sequence);
                return;
            }
            catch (Exception failure) when (!ct.IsCancellationRequested)
            {
                if (attempt == 1)
                {
                    _logger.LogWarning(failure, "Publishing {Name} fails at sequence {Sequence}, tries again until it succeeds", _options.Name, logged.Sequence);
                    await _store.StoreAsync(connection, reached, epoch, ct);
                }
            }

            await Task.Delay(backOff, _database.Time, ct);
            backOff = backOff * 2 < _options.LongestBackOff ? backOff * 2 : _options.LongestBackOff;
        }
    }
}
