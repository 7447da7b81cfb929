namespace TrainMover.EventLog;

/// <summary>
/// The log every decision is written to: streams of events with optimistic concurrency, read back as they were at any version or instant.
/// Every call has a deadline (<see cref="EventLogOptions.CommandTimeout"/>) and throws <see cref="EventLogUnavailableException"/> when the database does not answer.
/// </summary>
public interface IEventLog
{
    /// <summary>
    /// Appends to one or several streams, marks the message that caused it as processed and stores the consumer's position, all in one transaction.
    /// </summary>
    /// <param name="appends">One entry per stream; empty when a message has no effect and is only to be marked.</param>
    /// <param name="context">Who appends, why, and for which message.</param>
    /// <param name="ct">Cancels before the commit; a commit that was sent is not undone.</param>
    /// <returns>The events as logged, or <see cref="AppendResult.AlreadyProcessed"/> when the message had been processed before (nothing is appended then).</returns>
    /// <exception cref="StreamConflictException">A stream is not at the expected version.</exception>
    /// <exception cref="ArgumentException">An event's type is not registered, a stream is named twice or has no events.</exception>
    Task<AppendResult> AppendAsync(IReadOnlyList<StreamAppend> appends, AppendContext context, CancellationToken ct = default);

    /// <summary>Events of one stream in order of version; empty when the stream does not exist.</summary>
    /// <param name="stream">Stream key, for example <c>migration-7</c>.</param>
    /// <param name="toVersion">Last version to include; null for all.</param>
    /// <param name="to">Last instant of recording to include; null for all.</param>
    /// <param name="ct">Cancels the read.</param>
    Task<IReadOnlyList<LoggedEvent>> ReadStreamAsync(string stream, long? toVersion = null, DateTimeOffset? to = null, CancellationToken ct = default);

    /// <summary>
    /// State of a stream, now or at a version or an instant. An event of a type that this build does not know reaches <paramref name="evolve"/> as a
    /// <see cref="System.Text.Json.JsonElement"/>: the state decides what that means, it is never skipped.
    /// </summary>
    /// <returns>The state and the version it stands at (0 when there is no event).</returns>
    Task<(TState State, long Version)> LoadAsync<TState>(
        string stream, TState initial, Func<TState, object, TState> evolve, long? toVersion = null, DateTimeOffset? to = null, CancellationToken ct = default);

    /// <summary>All events beyond a sequence number, in order of sequence, up to the end of the log at the time it is reached.</summary>
    /// <param name="fromSequence">Sequence number to start behind (exclusive); 0 for the beginning.</param>
    /// <param name="types">Versioned type names to keep; null for all.</param>
    /// <param name="ct">Cancels the read.</param>
    IAsyncEnumerable<LoggedEvent> ReadAllAsync(long fromSequence = 0, IReadOnlySet<string>? types = null, CancellationToken ct = default);

    /// <summary>Keys of the streams that begin with a prefix, for example <c>migration-</c>, in ordinal order.</summary>
    Task<IReadOnlyList<string>> StreamsAsync(string prefix, CancellationToken ct = default);

    /// <summary>Whether a message has taken effect already.</summary>
    Task<bool> IsProcessedAsync(ProcessedMessage message, CancellationToken ct = default);

    /// <summary>Stores how far a consumer has seen a topic, in a transaction of its own. A position never moves back.</summary>
    Task StorePositionAsync(ConsumerPosition position, CancellationToken ct = default);

    /// <summary>The lowest position that any consumer has stored; 0 while none has.</summary>
    /// <param name="topic">Only consumers of this topic; null for all.</param>
    /// <param name="ct">Cancels the read.</param>
    Task<long> LowestPositionAsync(string? topic = null, CancellationToken ct = default);
}
