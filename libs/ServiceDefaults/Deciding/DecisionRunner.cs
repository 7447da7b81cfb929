using Microsoft.Extensions.Logging;
using TrainMover.Domain;
using TrainMover.EventLog;

namespace TrainMover.ServiceDefaults.Deciding;

/// <summary>The fact on which a decision is taken.</summary>
/// <param name="Source">CloudEvents source of the message, or the service itself for a timer.</param>
/// <param name="Id">CloudEvents id of the message; null for a timer or a start, which leave no mark.</param>
/// <param name="CorrelationId">The story it belongs to, where known.</param>
public sealed record Fact(string Source, string? Id = null, string? CorrelationId = null);

/// <summary>
/// Runs pure decisions against the log, one at a time: read what is new, decide, append in one transaction with the mark of the message, publish.
/// A lost race is decided again on the new state.
/// </summary>
public sealed class DecisionRunner(
    IEventLog log, LogPublisher publisher, ServiceIdentity service, IEnumerable<ICommitted> followers, TimeProvider clock, ILogger<DecisionRunner> logger) : IDisposable
{
    private const int MaxRaces = 20;

    // Decisions are taken on the whole log as read, so the service has consumed every topic up to there.
    private const string Everything = "log";

    private readonly SemaphoreSlim _turn = new(1);
    private readonly WorldReader _reader = new(log, clock);
    private readonly ICommitted[] _followers = [.. followers];

    /// <summary>Decides on a fact. Empty when nothing follows from it, or when it took effect before.</summary>
    /// <exception cref="EventLogUnavailableException">The database does not answer; nothing was decided.</exception>
    public async Task<IReadOnlyList<LoggedEvent>> DecideAsync(Fact fact, Func<World, Decision> decide, CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            for (var race = 1; ; race++)
            {
                await _reader.CatchUpAsync(ct);
                var decision = decide(_reader.World);
                if (decision.IsEmpty) return [];
                try
                {
                    return await CommitAsync(fact, decision, ct);
                }
                catch (StreamConflictException conflict) when (race < MaxRaces)
                {
                    logger.LogInformation("Deciding again: {Reason}", conflict.Message);
                    await _reader.ReloadAsync(conflict.Stream, ct);
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Reads what is new and looks at it.</summary>
    public async Task<TResult> ReadAsync<TResult>(Func<World, TResult> read, CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            await _reader.CatchUpAsync(ct);
            return read(_reader.World);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Reads what is new; sequence number of the last event that was read.</summary>
    public Task<long> SeenAsync(CancellationToken ct) => ReadAsync(_ => _reader.Seen, ct);

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private async Task<IReadOnlyList<LoggedEvent>> CommitAsync(Fact fact, Decision decision, CancellationToken ct)
    {
        var context = new AppendContext(
            service.Name, fact.CorrelationId ?? fact.Id, fact.Id, fact.Id is null ? null : new ProcessedMessage(service.Name, fact.Source, fact.Id), new ConsumerPosition(service.Name, Everything, _reader.Seen));
        var appends = decision.Streams.Select(stream => new StreamAppend(stream.Stream, stream.ExpectedVersion, stream.Events)).ToList();
        var result = await log.AppendAsync(appends, context, ct);
        foreach (var logged in result.Events) await _reader.ApplyAsync(logged, ct);
        if (result.Events.Count == 0) return [];

        var published = publisher.DirectPublishAsync(result, ct);
        foreach (var follower in _followers) await follower.CommittedAsync(result.Events, _reader.World, ct);
        await published;
        return result.Events;
    }
}

/// <summary>Told of every commit of a <see cref="DecisionRunner"/>.</summary>
public interface ICommitted
{
    /// <summary>A decision was committed.</summary>
    /// <param name="events">Its events, in order.</param>
    /// <param name="world">The log after it; only to be read during the call.</param>
    /// <param name="ct">Cancels what follows; the commit stands.</param>
    Task CommittedAsync(IReadOnlyList<LoggedEvent> events, World world, CancellationToken ct);
}

/// <summary>Name under which a service decides, consumes and publishes.</summary>
/// <param name="Name">For example <c>planner</c>.</param>
public sealed record ServiceIdentity(string Name);
